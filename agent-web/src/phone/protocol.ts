/**
 * The seat socket's messages, as `web/protocol*.go` have them. The golden files
 * in `web/testdata/protocol` are read by the Go tests and by ours.
 * What the document says is in views.ts.
 */

import type { HeadsetReport, Tags, VideoSource } from "./views.ts";

export const PROTOCOL_VERSION = 1;

export type Role = "agent" | "supervisor" | "admin";
export type AgentState =
	| "offline"
	| "away"
	| "available"
	| "offered"
	| "talking"
	| "hold"
	| "wrap_up"
	| "not_responding"
	| "disconnected";
export type Consent = "granted" | "refused" | "announced" | "none";
export type Party = "customer" | "agent" | "supervisor" | "system";
export type Phase = "dialling" | "ringing" | "talking" | "hold" | "wrap_up";
export type ErrorCode = "invalid" | "unauthorized" | "forbidden" | "not_found" | "conflict" | "busy" | "internal";
export type TrackName = "customer" | "third" | "coach";
export type RecordingState = "on" | "off" | "paused" | "failed";
export interface Target {
	kind: "agent" | "queue" | "number";
	/** A user name, the ID of a queue, or a number as people dial it. */
	id: string;
}
export type Door = "" | "open" | "closed";

export interface Hello {
	type: "hello";
	token?: string;
	tab: string;
	epoch?: string;
	seq?: number;
	take_over?: boolean;
}
export interface Welcome {
	type: "welcome";
	protocol: number;
	epoch: string;
	user: string;
	role: Role;
	now: string;
	ice_servers: { urls: string[]; username?: string; credential?: string }[];
	tracks: string[];
	/** The video transceivers, which follow the audio ones. */
	video?: string[];
}
export interface Tab {
	type: "tab";
	phone: boolean;
}
export interface Snapshot {
	type: "snapshot";
	seq: number;
	doc: Record<string, unknown>;
}
export interface Change {
	type: "change";
	seq: number;
	key: string;
	/** null deletes the key. */
	value: unknown;
}
export interface SDP {
	type: "offer" | "answer";
	sdp: string;
	peer: number;
}
export interface Candidate {
	type: "candidate";
	peer: number;
	/** Empty: the gathering is over. */
	candidate: string;
	sdpMid?: string;
	sdpMLineIndex?: number;
}
export interface MediaReport {
	type: "media";
	microphone: "ok" | "denied" | "missing" | "ended" | "silent";
	playback: boolean;
	/** Of the customer's track, over the present connection: what was played, and what of that was invented. */
	samples?: number;
	concealed?: number;
}
export type Verb =
	| "state"
	| "answer"
	| "decline"
	| "hold"
	| "mute"
	| "digit"
	| "hangup"
	| "wrapup_extend"
	| "wrapup_note"
	| "wrapup_done"
	| "wrapup_want"
	| "listen"
	| "whisper"
	| "barge"
	| "takeover"
	| "unlisten"
	| "force"
	| "consult"
	| "transfer"
	| "swap"
	| "merge"
	| "drop"
	| "park"
	| "pickup"
	| "rec_pause"
	| "move"
	| "priority"
	| "teardown"
	| "queue"
	| "dial"
	| "waiting"
	| "echo"
	| "headset"
	| "video"
	| "hand";
export interface CommandFields {
	contact?: string;
	agent?: string;
	state?: AgentState;
	reason?: string;
	on?: boolean;
	digit?: string;
	disposition?: string;
	note?: string;
	tags?: Tags;
	to?: Target;
	priority?: number;
	door?: Door;
	/** What to call, and from which line. */
	number?: string;
	line?: string;
	headset?: HeadsetReport;
	/** What verb video shows. */
	source?: VideoSource;
}
export interface Command extends CommandFields {
	type: "do";
	req: number;
	do: Verb;
}
export interface Result {
	type: "result";
	req: number;
	code?: ErrorCode;
	error?: string;
}
export interface Ping {
	type: "ping";
	id: number;
}
export interface Pong {
	type: "pong";
	id: number;
}
export interface Bye {
	type: "bye";
	code: ErrorCode;
	reason: string;
	reconnect: boolean;
}

export type ToServer = Hello | SDP | Candidate | MediaReport | Command | Ping;
export type FromServer = Welcome | Tab | Snapshot | Change | SDP | Candidate | Result | Pong | Bye;
