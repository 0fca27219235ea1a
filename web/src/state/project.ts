// The project whose pages are shown, read once by their frame.
import { inject, provide, type InjectionKey, type Ref } from "vue";
import type { Project } from "@/api/types";
import type { Loaded } from "@/lib/use_load";

export interface ShownProject {
    key: string;
    data: Ref<Project | null>;
    reload: () => Promise<void>;
    /** After a change, whose answer is the project as it is now. */
    set: (project: Project) => void;
}

const KEY: InjectionKey<ShownProject> = Symbol("project");

export function provideProject(key: string, loaded: Loaded<Project>): ShownProject {
    const shown: ShownProject = {
        key,
        data: loaded.data,
        reload: loaded.reload,
        set: (project) => {
            loaded.data.value = project;
        },
    };

    provide(KEY, shown);
    return shown;
}

export function useProject(): ShownProject {
    const project = inject(KEY);

    if (project === undefined) {
        throw new Error("useProject outside of a project's page");
    }
    return project;
}
