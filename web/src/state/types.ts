// The device types of a project by their product key: for names in lists and for choosing.
import { computed, type ComputedRef } from "vue";
import * as api from "@/api/devices";
import type { DeviceType } from "@/api/types";
import { readAll, useLoad } from "@/lib/use_load";

export interface TypeNames {
    list: ComputedRef<DeviceType[]>;
    nameOf: (product: string | null) => string;
}

export function useTypeNames(projectKey: string): TypeNames {
    const loaded = useLoad(() => readAll((cursor) => api.types(projectKey, cursor)));
    const list = computed(() => loaded.data.value ?? []);
    const names = computed(() =>
        new Map(list.value.map((type) => [type.product_key, type.name])));

    return {
        list,
        nameOf: (product) => (product === null ? "" : names.value.get(product) ?? product),
    };
}
