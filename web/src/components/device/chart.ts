// The parts of ECharts that the live chart uses, and how it looks: a strip of its own for each
// attribute, because a speed of 1,500 and a pressure of 3 have no scale in common.
import { LineChart } from "echarts/charts";
import { AxisPointerComponent, GridComponent, TitleComponent, TooltipComponent } from
    "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { clockTime } from "@/lib/format";
import type { Point } from "@/lib/series";

use([LineChart, GridComponent, TooltipComponent, AxisPointerComponent, TitleComponent,
    CanvasRenderer]);

export interface Strip {
    name: string;
    unit: string;
    points: Point[];
    /** A switch: 0 and 1 and nothing between. */
    steps: boolean;
}

export const COLOURS = ["#0b7285", "#a55409", "#5f4bb6", "#2b7a3d"];
const STRIP = 128;
const TOP = 30;
const GAP = 44;
const FAINT = "#5f7079";

export const heightOf = (strips: number): number => strips * (STRIP + GAP) + 8;

export const makeChart = (element: HTMLElement): EChartsType => init(element, undefined,
    { renderer: "canvas" });

export function drawStrips(chart: EChartsType, strips: Strip[], from: number, to: number): void {
    chart.setOption({
        animation: false,
        textStyle: { fontFamily: getComputedStyle(chart.getDom()).fontFamily },
        color: COLOURS,
        title: strips.map((strip, index) => ({
            text: strip.unit ? `${strip.name} (${strip.unit})` : strip.name,
            left: 8,
            top: index * (STRIP + GAP),
            textStyle: { fontSize: 12, fontWeight: 600, color: "#14232b" },
        })),
        grid: strips.map((_strip, index) => ({
            left: 56, right: 16, top: TOP + index * (STRIP + GAP), height: STRIP - TOP,
        })),
        xAxis: strips.map((_strip, index) => ({
            type: "time", gridIndex: index, min: from, max: to,
            axisLine: { lineStyle: { color: "#cbd6db" } },
            axisTick: { show: false },
            axisLabel: { color: FAINT, fontSize: 11, hideOverlap: true,
                formatter: (ms: number) => clockTime(ms).slice(0, 8) },
            splitNumber: 4,
        })),
        yAxis: strips.map((strip, index) => ({
            type: "value", gridIndex: index, scale: true, splitNumber: 2,
            ...(strip.steps && { min: 0, max: 1, interval: 1 }),
            axisLabel: { color: FAINT, fontSize: 11 },
            splitLine: { lineStyle: { color: "#e8eef0" } },
        })),
        axisPointer: { link: [{ xAxisIndex: "all" }] },
        tooltip: {
            trigger: "axis",
            renderMode: "richText", // HTML would bring inline styles
            backgroundColor: "#14232b",
            borderWidth: 0,
            textStyle: { color: "#ffffff", fontSize: 12 },
        },
        series: strips.map((strip, index) => ({
            type: "line", name: strip.name, data: strip.points,
            xAxisIndex: index, yAxisIndex: index, color: COLOURS[index % COLOURS.length],
            showSymbol: strip.points.length < 40, symbolSize: 4, lineStyle: { width: 2 },
            step: strip.steps ? "end" as const : false as const,
            sampling: "lttb",
        })),
    }, { notMerge: true });
}
