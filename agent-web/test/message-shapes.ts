/** The messages of the seat socket, field by field. */
import type {
	Bye,
	Candidate,
	Change,
	Command,
	Hello,
	MediaReport,
	Ping,
	Result,
	SDP,
	Snapshot,
	Tab,
	Welcome,
} from "../src/phone/protocol.ts";
import { anything, type Fields, flag, list, one, shape, text, time, whole } from "./checks.ts";
import { codes, headset, maybe, roles, states, tagged } from "./word-shapes.ts";

export const hello: Fields<Hello> = {
	type: one("hello"),
	token: maybe(text),
	tab: text,
	epoch: maybe(text),
	seq: maybe(whole),
	take_over: maybe(flag),
};
export const welcome: Fields<Welcome> = {
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
export const snapshot: Fields<Snapshot> = { type: one("snapshot"), seq: whole, doc: anything };
export const change: Fields<Change> = { type: one("change"), seq: whole, key: text, value: anything };
export const tab: Fields<Tab> = { type: one("tab"), phone: flag };
export const sdp: Fields<SDP> = { type: one("offer", "answer"), sdp: text, peer: whole };
export const candidate: Fields<Candidate> = {
	type: one("candidate"),
	peer: whole,
	candidate: text,
	sdpMid: maybe(text),
	sdpMLineIndex: maybe(whole),
};
export const media: Fields<MediaReport> = {
	type: one("media"),
	microphone: one("ok", "denied", "missing", "ended", "silent"),
	playback: flag,
	samples: maybe(whole),
	concealed: maybe(whole),
};
export const command: Fields<Command> = {
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
		"wrapup_want",
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
export const result: Fields<Result> = { type: one("result"), req: whole, code: maybe(codes), error: maybe(text) };
export const ping: Fields<Ping> = { type: one("ping", "pong"), id: whole };
export const bye: Fields<Bye> = { type: one("bye"), code: codes, reason: text, reconnect: flag };
