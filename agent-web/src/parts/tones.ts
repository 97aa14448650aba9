/** The colours of states and qualities; words say the same beside them. */
export function stateTone(state: string): string {
	switch (state) {
		case "available":
			return "text-ok bg-ok-soft";
		case "offered":
		case "ringing":
			return "text-accent bg-accent-soft pulse";
		case "talking":
			return "text-accent bg-accent-soft";
		case "hold":
		case "queue":
			return "text-warn bg-warn-soft";
		case "disconnected":
		case "not_responding":
			return "text-bad bg-bad-soft";
		default:
			return "text-quiet";
	}
}

export function verdictTone(verdict: "good" | "fair" | "bad"): string {
	return { good: "text-ok", fair: "text-warn", bad: "text-bad" }[verdict];
}

export function gradeTone(grade: string): string {
	return { good: "text-ok", fair: "text-warn", poor: "text-bad" }[grade] ?? "text-quiet";
}
