import type { PlanInterval } from "../api/tasks.ts";

const COLUMNS = [
	"start",
	"contacts",
	"answered",
	"abandoned",
	"in_time",
	"wait_mean",
	"talk_mean",
	"agents",
	"agents_c",
	"service_level",
	"occupancy",
	"abandon_rate",
] as const satisfies readonly (keyof PlanInterval)[];

/** A plan as a table (RFC 4180): times RFC 3339, durations in seconds. */
export function csvOf(rows: readonly PlanInterval[]): string {
	const cell = (v: string | number) => (typeof v === "number" ? String(Math.round(v * 1000) / 1000) : v);
	return [COLUMNS.join(","), ...rows.map((r) => COLUMNS.map((c) => cell(r[c])).join(","))].join("\r\n").concat("\r\n");
}
