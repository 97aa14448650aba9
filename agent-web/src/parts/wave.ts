/**
 * The outline of one channel's peaks (0…1) as an SVG path around the line
 * middle, 1000 wide. Speech peaks are small, so their root is drawn; silence
 * keeps a hair line, so that one sees that there is a recording.
 */
export function lane(peaks: readonly number[], middle: number, half = 46): string {
	if (peaks.length === 0) return "";
	const step = 1000 / peaks.length;
	const height = (p: number) => Math.max(0.6, half * Math.sqrt(Math.min(1, Math.max(0, p))));
	let top = "";
	let bottom = "";
	peaks.forEach((p, i) => {
		const left = (i * step).toFixed(2);
		const right = ((i + 1) * step).toFixed(2);
		const up = (middle - height(p)).toFixed(1);
		const down = (middle + height(p)).toFixed(1);
		top += `${i === 0 ? "M" : "L"}${left} ${up}L${right} ${up}`;
		bottom = `L${right} ${down}L${left} ${down}${bottom}`;
	});
	return `${top}${bottom}z`;
}
