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

/** Making a formatter costs a hundred times what using it does, and lists are full of times and numbers. */
const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function once<F extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: () => F): F {
	const there = made.get(key) ?? make();
	made.set(key, there);
	return there as F;
}

function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	return once(`${locale} ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(locale, options));
}

/** A number with at most that many decimals. */
export function number(locale: string, n: number, decimals = 0): string {
	const make = () => new Intl.NumberFormat(locale, { maximumFractionDigits: decimals });
	return once(`${locale} ${decimals}`, make).format(n);
}

const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY: Intl.DateTimeFormatOptions = { ...TIME, month: "2-digit", day: "2-digit" };
const YEAR: Intl.DateTimeFormatOptions = { ...DAY, year: "numeric" };

/** "14:05:09" today, else with the date, and with the year if that is another one; today is one of Date.toDateString. */
export function moment(locale: string, at: string, today: string): string {
	const date = new Date(at);
	const day = date.toDateString();
	const year = (of: string) => of.slice(of.lastIndexOf(" "));
	return dates(locale, day === today ? TIME : year(day) === year(today) ? DAY : YEAR).format(date);
}

/** A day of a week: "Mon 23". */
export function weekday(locale: string, at: string): string {
	return dates(locale, { weekday: "short", day: "numeric" }).format(new Date(at));
}

/** A day of the year, in figures. */
export function day(locale: string, at: number): string {
	return dates(locale, { month: "2-digit", day: "2-digit" }).format(at);
}

/** "14:05" on a wall. */
export function timeOfDay(locale: string, now: number): string {
	return dates(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(now);
}

/** Good from 4.0, fair from 3.1 (ITU-T G.107: "satisfied" 4.03, "many dissatisfied" below 3.1). */
export function grade(score: number | null | undefined): "good" | "fair" | "poor" | "none" {
	if (!score) return "none";
	if (score >= 4) return "good";
	return score >= 3.1 ? "fair" : "poor";
}
