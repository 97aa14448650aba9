import type { Schemas } from "./types.ts";

/** A day of one's own, or the team's mean (acd/shifts). Times are seconds. */
export type Day = Schemas["ShiftsDay"];
/** The newest day first. */
export type Figures = Schemas["OwnFigures"];

/** When today began here. */
export function midnight(now: number): Date {
	const d = new Date(now);
	return new Date(d.getFullYear(), d.getMonth(), d.getDate());
}
