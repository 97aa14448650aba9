/** What messages and views have in common. */
import type { HeadsetReport } from "../src/phone/views.ts";
import { absent, type Check, type Fields, figure, list, none, one, or, shape, text, time, whole } from "./checks.ts";

export const roles = one("agent", "supervisor", "admin");
export const states = one(
	"offline",
	"away",
	"available",
	"offered",
	"talking",
	"hold",
	"wrap_up",
	"not_responding",
	"disconnected",
);
export const consents = one("granted", "refused", "announced", "none");
export const codes = one("invalid", "unauthorized", "forbidden", "not_found", "conflict", "busy", "internal");
export const quality = or(
	none,
	shape({
		loss_percent: figure,
		jitter_ms: figure,
		rtt_ms: or(figure, none),
		score: figure,
		in_percent: figure,
		out_percent: or(figure, none),
	}),
);
export const recording = one("on", "off", "paused", "failed");
export const maybe = (check: Check) => or(check, absent);
export const end = shape({
	by: one("customer", "agent", "supervisor", "system"),
	class: one("completed", "abandoned", "rejected", "failed"),
	sip: or(whole, none),
	q850: maybe(whole),
	why: maybe(text),
});

export const tagged: Check = (v) => typeof v === "object" && v !== null && Object.values(v).every(list(text));
export const maybeFigure = or(figure, none);
export const headsetFields: Fields<HeadsetReport> = {
	at: time,
	verdict: one("good", "fair", "bad"),
	problems: list(one("microphone", "noise", "voice", "echo", "network", "ring")),
	microphone: text,
	suppression: one("off", "browser", "rnnoise"),
	noise_db: maybeFigure,
	voice_db: maybeFigure,
	echo_db: maybeFigure,
	rtt_ms: maybeFigure,
	jitter_ms: maybeFigure,
	loss_up: maybeFigure,
	loss_down: maybeFigure,
};
export const headset = shape(headsetFields);
