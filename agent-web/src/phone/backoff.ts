/**
 * The wait before try n (0, 1, …): 100 ms doubled up to 5 s, and of that a
 * random part between half and the whole, so that a hundred seats that lost
 * the same server do not come back in the same millisecond.
 */
export function backoffMS(attempt: number, random: () => number = Math.random): number {
	const whole = Math.min(100 * 2 ** Math.min(attempt, 10), 5000);
	return whole / 2 + (whole / 2) * random();
}
