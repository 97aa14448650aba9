/** Checks of what came as JSON: each says whether a value is what it should be. */
export type Check = (value: unknown) => boolean;
export const text: Check = (v) => typeof v === "string";
export const whole: Check = (v) => Number.isInteger(v);
export const figure: Check = (v) => typeof v === "number";
export const flag: Check = (v) => typeof v === "boolean";
export const time: Check = (v) => typeof v === "string" && !Number.isNaN(Date.parse(v));
export const anything: Check = () => true;
export const one =
	(...words: unknown[]): Check =>
	(v) =>
		words.includes(v);
export const list =
	(of: Check): Check =>
	(v) =>
		v === null || (Array.isArray(v) && v.every(of));
export const or =
	(...checks: Check[]): Check =>
	(v) =>
		checks.some((c) => c(v));
export const none = one(null);
export const absent = one(undefined);
export const shape =
	(fields: Record<string, Check>): Check =>
	(v) =>
		problems(fields, v).length === 0;

/** Every field of T, no other: TypeScript holds the left side, the golden files the right. */
export type Fields<T> = { [K in keyof Required<T>]: Check };

export function problems(fields: Record<string, Check>, value: unknown): string[] {
	if (typeof value !== "object" || value === null) return ["not an object"];
	const found = value as Record<string, unknown>;
	return [
		...Object.keys(found)
			.filter((key) => !(key in fields))
			.map((key) => `${key}: unknown to the browser`),
		...Object.entries(fields)
			.filter(([key, check]) => !check(found[key]))
			.map(([key]) => `${key}: ${JSON.stringify(found[key])} is not what the browser expects`),
	];
}
