// English, a file a subject; by its type the list of all texts: another language that lacks one does
// not compile.
import alarms from "./alarms";
import api from "./api";
import common from "./common";
import devices from "./devices";
import people from "./people";
import projects from "./projects";
import types from "./types";

const en = {
    ...common,
    ...people,
    ...projects,
    ...devices,
    ...types,
    ...alarms,
    ...api,
};

export type Messages = typeof en;
export default en;
