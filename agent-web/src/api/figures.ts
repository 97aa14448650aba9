/** A day of one's own, or the team's mean (acd/shifts). Times are seconds. */
export interface Day {
	from: string;
	calls: number;
	handle: number | null;
	answer: number | null;
	csat: number | null;
	states: Record<string, number>;
}

/** The newest day first. */
export interface Figures {
	own: Day[];
	team: Day[];
}

/** When today began here. */
export function midnight(now: number): Date {
	const d = new Date(now);
	return new Date(d.getFullYear(), d.getMonth(), d.getDate());
}
