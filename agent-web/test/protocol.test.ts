import { expect, test } from "vitest";
import type {
	AgentView,
	AlertView,
	Bye,
	CallView,
	Candidate,
	Change,
	Command,
	EchoView,
	FloorCallView,
	FlowCallEvent,
	FlowCallView,
	HandoverView,
	HeadsetReport,
	Hello,
	ListenView,
	MediaReport,
	MeView,
	ParkedView,
	Ping,
	QueueView,
	Result,
	SDP,
	SecondView,
	ShownView,
	Snapshot,
	Tab,
	TagsView,
	TaskView,
	VideoView,
	Welcome,
} from "../src/phone/protocol.ts";

/** The golden files of web/protocol.go, which the Go tests read too: a drift fails both. */
const files = import.meta.glob("../../web/testdata/protocol/*.json", { eager: true, import: "default" });

type Check = (value: unknown) => boolean;
const text: Check = (v) => typeof v === "string";
const whole: Check = (v) => Number.isInteger(v);
const figure: Check = (v) => typeof v === "number";
const flag: Check = (v) => typeof v === "boolean";
const time: Check = (v) => typeof v === "string" && !Number.isNaN(Date.parse(v));
const anything: Check = () => true;
const one =
	(...words: unknown[]): Check =>
	(v) =>
		words.includes(v);
const list =
	(of: Check): Check =>
	(v) =>
		v === null || (Array.isArray(v) && v.every(of));
const or =
	(...checks: Check[]): Check =>
	(v) =>
		checks.some((c) => c(v));
const none = one(null);
const absent = one(undefined);
const shape =
	(fields: Record<string, Check>): Check =>
	(v) =>
		problems(fields, v).length === 0;

/** Every field of T, no other: TypeScript holds the left side, the golden files the right. */
type Fields<T> = { [K in keyof Required<T>]: Check };

const roles = one("agent", "supervisor", "admin");
const states = one(
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
const consents = one("granted", "refused", "announced", "none");
const codes = one("invalid", "unauthorized", "forbidden", "not_found", "conflict", "busy", "internal");
const quality = or(
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
const recording = one("on", "off", "paused", "failed");
const maybe = (check: Check) => or(check, absent);
const end = shape({
	by: one("customer", "agent", "supervisor", "system"),
	class: one("completed", "abandoned", "rejected", "failed"),
	sip: or(whole, none),
	q850: maybe(whole),
	why: maybe(text),
});

const label = shape({ en: text, zh: text });
const tagged: Check = (v) => typeof v === "object" && v !== null && Object.values(v).every(list(text));
const tags: Fields<TagsView> = {
	groups: list(shape({ id: text, label, required: flag, many: flag, tags: list(shape({ id: text, label })) })),
};
const hello: Fields<Hello> = {
	type: one("hello"),
	token: maybe(text),
	tab: text,
	epoch: maybe(text),
	seq: maybe(whole),
	take_over: maybe(flag),
};
const welcome: Fields<Welcome> = {
	type: one("welcome"),
	protocol: whole,
	epoch: text,
	user: text,
	role: roles,
	now: time,
	ice_servers: list(shape({ urls: list(text), username: maybe(text), credential: maybe(text) })),
	tracks: list(text),
	video: maybe(list(text)),
};
const snapshot: Fields<Snapshot> = { type: one("snapshot"), seq: whole, doc: anything };
const change: Fields<Change> = { type: one("change"), seq: whole, key: text, value: anything };
const tab: Fields<Tab> = { type: one("tab"), phone: flag };
const sdp: Fields<SDP> = { type: one("offer", "answer"), sdp: text, peer: whole };
const candidate: Fields<Candidate> = {
	type: one("candidate"),
	peer: whole,
	candidate: text,
	sdpMid: maybe(text),
	sdpMLineIndex: maybe(whole),
};
const media: Fields<MediaReport> = {
	type: one("media"),
	microphone: one("ok", "denied", "missing", "ended", "silent"),
	playback: flag,
};
const maybeFigure = or(figure, none);
const headsetFields: Fields<HeadsetReport> = {
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
const headset = shape(headsetFields);
const echo: Fields<EchoView> = { on: flag, since: time, received: whole, lost: whole, sent: whole, jitter_ms: figure };
const command: Fields<Command> = {
	type: one("do"),
	req: whole,
	do: one(
		"state",
		"answer",
		"decline",
		"hold",
		"mute",
		"digit",
		"hangup",
		"wrapup_extend",
		"wrapup_note",
		"wrapup_done",
		"listen",
		"whisper",
		"barge",
		"takeover",
		"unlisten",
		"force",
		"consult",
		"transfer",
		"swap",
		"merge",
		"drop",
		"park",
		"pickup",
		"rec_pause",
		"move",
		"priority",
		"teardown",
		"queue",
		"dial",
		"waiting",
		"echo",
		"headset",
		"video",
		"hand",
	),
	contact: maybe(text),
	agent: maybe(text),
	state: maybe(states),
	reason: maybe(text),
	on: maybe(flag),
	digit: maybe(text),
	disposition: maybe(text),
	note: maybe(text),
	tags: maybe(tagged),
	to: maybe(shape({ kind: one("agent", "queue", "number"), id: text })),
	priority: maybe(whole),
	number: maybe(text),
	line: maybe(text),
	door: maybe(one("open", "closed")),
	headset: maybe(headset),
	source: maybe(one("camera", "screen")),
};
const result: Fields<Result> = { type: one("result"), req: whole, code: maybe(codes), error: maybe(text) };
const ping: Fields<Ping> = { type: one("ping", "pong"), id: whole };
const bye: Fields<Bye> = { type: one("bye"), code: codes, reason: text, reconnect: flag };
const me: Fields<MeView> = {
	user: text,
	name: text,
	role: roles,
	state: states,
	reason: text,
	since: time,
	next: or(one(""), states),
	hand: maybe(flag),
	ready: flag,
	not_ready: text,
	queues: list(text),
	dispositions: list(text),
	away_reasons: list(text),
	telephone: maybe(flag),
	crm: maybe(one("beside", "window")),
	dial: maybe(list(shape({ id: text, name: text }))),
	call_waiting: maybe(flag),
};
const mode = one("whisper", "barge", "takeover", "handed");
const coach = or(none, (v) => {
	const view = v as { name?: unknown; mode?: unknown };
	return typeof v === "object" && v !== null && text(view.name) && mode(view.mode) && Object.keys(v).length === 2;
});
const trouble = one("", "customer_silent", "customer_no_audio", "agent_silent", "agent_no_audio");
const secondFields: Fields<SecondView> = {
	user: text,
	name: text,
	state: one("ringing", "talking", "waiting", "joined", "failed"),
	since: time,
	muted: flag,
	why: text,
};
const second = or(none, shape(secondFields));
const handoverFields: Fields<HandoverView> = {
	from: text,
	name: text,
	kind: one("consult", "transfer", "return"),
	note: text,
	at: time,
};
const parked: Fields<ParkedView> = {
	contact: text,
	slot: whole,
	from: text,
	queue: text,
	by: text,
	since: time,
	until: time,
	note: text,
};
const shownFields: Fields<ShownView> = {
	track: one("customer", "third"),
	user: text,
	name: text,
	source: one("camera", "screen"),
	state: one("on", "held", "weak"),
	weak: maybe(one("theirs", "ours")),
};
const videoFields: Fields<VideoView> = {
	codec: one("VP8", "H264"),
	own: one("", "camera", "screen"),
	state: one("", "on", "held", "weak"),
	seen_by: list(text),
	shown: list(shape(shownFields)),
};
const video = shape(videoFields);
const call: Fields<CallView> = {
	contact: text,
	phase: one("dialling", "ringing", "talking", "hold", "wrap_up"),
	since: time,
	line: text,
	from: text,
	outbound: maybe(flag),
	progress: maybe(one("", "ringing", "early", "answered")),
	caller: or(
		absent,
		shape({
			name: text,
			trust: one("verified", "trunk", "unknown"),
			attest: text,
			diverted_from: text,
			diverted_why: text,
		}),
	),
	queue: text,
	queue_name: text,
	waited: figure,
	chosen: list(text),
	language: text,
	reason: text,
	until: or(time, none),
	muted: flag,
	consent: consents,
	recording,
	recording_why: text,
	paused_until: or(time, none),
	second,
	helps: flag,
	handover: or(none, shape(handoverFields)),
	codec: text,
	quality,
	own: quality,
	coach,
	trouble,
	ended: or(end, none),
	answered: or(time, none),
	disposition: text,
	note: text,
	tags: maybe(tagged),
	context: or(absent, shape({ from: text, at: time, fields: anything })),
	variables: maybe(list(shape({ name: text, label: text, value: text }))),
	csat: maybe(whole),
	kind: maybe(one("callback", "voicemail")),
	task: maybe(text),
	auto_answer: maybe(flag),
	video: maybe(video),
	crm: maybe(text),
};
const task: Fields<TaskView> = {
	id: text,
	kind: one("callback", "voicemail", "after_call", "promise"),
	state: one("scheduled", "queued", "active", "open"),
	queue: text,
	queue_name: text,
	agent: text,
	from: text,
	call: text,
	recording: text,
	length: figure,
	note: text,
	made: time,
	due: or(time, none),
	next: or(time, none),
	tries: whole,
	reminded: flag,
};
const agent: Fields<AgentView> = {
	user: text,
	name: text,
	state: states,
	reason: text,
	since: time,
	ready: flag,
	contact: text,
	queue: text,
	queues: list(text),
	headset: or(none, headset),
	other: maybe(text),
	other_state: maybe(states),
};
const alert: Fields<AlertView> = {
	kind: one("missed", "surge", "threshold"),
	agent: text,
	queue: text,
	text: text,
	at: time,
	figure: maybe(one("waiting", "longest", "expected", "available", "staffed", "service_level")),
	over: maybe(flag),
	limit: maybe(figure),
	severity: maybe(one("warn", "bad")),
};
const queue: Fields<QueueView> = {
	id: text,
	name: text,
	waiting: whole,
	tasks: whole,
	longest_since: or(time, none),
	available: whole,
	staffed: whole,
	talking: whole,
	answered: whole,
	answered_in: whole,
	service_level: figure,
	abandoned: whole,
	expected: figure,
	door: one("", "open", "closed"),
};
const floor: Fields<FloorCallView> = {
	contact: text,
	line: text,
	from: text,
	stage: one("flow", "queue", "parked", "dialling", "ringing", "talking", "hold", "wrap_up"),
	started: time,
	since: time,
	queue: text,
	agent: text,
	consent: consents,
	second,
	recording,
	quality,
	listeners: list(text),
	coach,
	trouble,
	kind: maybe(one("callback", "voicemail")),
};
const listen: Fields<ListenView> = { contact: text, mode: one("listen", "whisper", "barge"), since: time, codec: text };

const flowEvent: Fields<FlowCallEvent> = {
	at: figure,
	kind: text,
	flow: text,
	node: text,
	type: maybe(text),
	text: text,
	prompt: maybe(text),
	language: maybe(text),
	seconds: maybe(figure),
};
const flowcall: Fields<FlowCallView> = {
	call: text,
	flow: text,
	line: text,
	since: time,
	codec: text,
	node: text,
	events: list(shape(flowEvent)),
	ended: or(end, none),
	video: maybe(video),
};

const shapes: Record<string, Record<string, Check>> = {
	hello,
	welcome,
	snapshot,
	change,
	tab,
	offer: sdp,
	answer: sdp,
	candidate,
	media,
	do: command,
	result,
	ping,
	pong: ping,
	bye,
	me,
	call,
	other: call,
	agent,
	queue,
	alert,
	floor,
	listen,
	echo,
	flowcall,
	parked,
	task,
	tags,
};

function problems(fields: Record<string, Check>, value: unknown): string[] {
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

const goldens = Object.entries(files).map(([path, value]) => {
	const name = path.replace(/^.*\/|\.json$/g, "");
	return { name, kind: name.split("_")[0] ?? "", value };
});

test.each(goldens)("golden $name", ({ kind, value }) => {
	const fields = shapes[kind];
	expect(fields, `no type for ${kind}`).toBeDefined();
	expect(problems(fields ?? {}, value)).toEqual([]);
});

test("every message and view has a golden file", () => {
	const kinds = new Set(goldens.map((g) => g.kind));
	expect(Object.keys(shapes).filter((kind) => !kinds.has(kind))).toEqual([]);
});

test("the views of a golden snapshot are what the browser expects", () => {
	for (const { value } of goldens.filter((g) => g.kind === "snapshot")) {
		for (const [key, view] of Object.entries((value as Snapshot).doc)) {
			const fields = shapes[key.split("/")[0] ?? ""] ?? {};
			expect(problems(fields, view), key).toEqual([]);
		}
	}
});
