/** 75 → "1:15", 3675 → "1:01:15"; negative is 0. */
export function clock(seconds: number): string {
	const s = Math.max(0, Math.floor(seconds));
	const rest = `${String(Math.floor(s / 60) % 60).padStart(s >= 3600 ? 2 : 1, "0")}:${String(s % 60).padStart(2, "0")}`;
	return s >= 3600 ? `${Math.floor(s / 3600)}:${rest}` : rest;
}

/** 760 → "00:12:40": a state's age, of which the width never changes. */
export function longClock(seconds: number): string {
	const s = Math.max(0, Math.floor(seconds));
	return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, "0")).join(":");
}

/** A number with at most that many decimals. */
export function number(locale: string, n: number, decimals = 0): string {
	return new Intl.NumberFormat(locale, { maximumFractionDigits: decimals }).format(n);
}

/** "14:05:09" today, else with the date. */
export function moment(locale: string, at: string, now: number): string {
	const date = new Date(at);
	const today = new Date(now).toDateString() === date.toDateString();
	const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
	const day: Intl.DateTimeFormatOptions = today ? {} : { month: "2-digit", day: "2-digit" };
	return new Intl.DateTimeFormat(locale, { ...day, ...time }).format(date);
}

/** Good from 4.0, fair from 3.1 (ITU-T G.107: "satisfied" 4.03, "many dissatisfied" below 3.1). */
export function grade(score: number | null | undefined): "good" | "fair" | "poor" | "none" {
	if (!score) return "none";
	if (score >= 4) return "good";
	return score >= 3.1 ? "fair" : "poor";
}
