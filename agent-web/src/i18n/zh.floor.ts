import type { floorEn } from "./en.floor.ts";

export const floorZh: Record<keyof typeof floorEn, string> = {
	"floor.count": "{n} / {all}",
	"floor.states": "坐席状态",
};
