// 简体中文，每个主题一个文件。类型 Messages 保证与英文逐条对应，缺一条即编译失败。
import type { Messages } from "../en";
import alarms from "./alarms";
import api from "./api";
import common from "./common";
import devices from "./devices";
import people from "./people";
import projects from "./projects";
import types from "./types";

const zhCN: Messages = {
    ...common,
    ...people,
    ...projects,
    ...devices,
    ...types,
    ...alarms,
    ...api,
};

export default zhCN;
