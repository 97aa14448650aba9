/** What the seat's document says, key by key, as `web/protocol.go` has it. */

import type { AgentState, Consent, Door, Party, Phase, RecordingState, Role } from "./protocol.ts";

export interface MeView {
	user: string;
	name: string;
	role: Role;
	state: AgentState;
	reason: string;
	since: string;
	next: AgentState | "";
	/** The agent asks for help. */
	hand?: boolean;
	ready: boolean;
	not_ready: string;
	queues: string[] | null;
	dispositions: string[] | null;
	away_reasons: string[] | null;
	/** Calls ring at the registered telephone of the agent, and are answered there. */
	telephone?: boolean;
	/** The lines that the person may call out from. */
	dial?: { id: string; name: string }[];
	/** A call that is meant for the agent rings beside another one. */
	call_waiting?: boolean;
	/** Where the CRM's page of a call opens; absent: there is none. */
	crm?: "beside" | "window";
}
/** A call's tags, by group: IDs of TagGroup. */
export type Tags = Record<string, string[]>;
/** What people read; "" in a language that has no word of its own. */
export interface Label {
	en: string;
	zh: string;
}
export interface TagGroup {
	id: string;
	label: Label;
	required: boolean;
	many: boolean;
	tags: { id: string; label: Label }[] | null;
}
export interface TagsView {
	groups: TagGroup[] | null;
}
export interface EndCause {
	by: Party;
	class: "completed" | "abandoned" | "rejected" | "failed";
	/** null: a BYE, which has no status. */
	sip: number | null;
	q850?: number;
	why?: string;
}
export interface QualityView {
	loss_percent: number;
	jitter_ms: number;
	rtt_ms: number | null;
	score: number;
	/** Lost on the way from the leg to the server, and there; null: not told. */
	in_percent: number;
	out_percent: number | null;
}
/** A supervisor in an agent's call. */
export interface CoachView {
	name: string;
	/** takeover: in the wrap-up of the agent whose call it was. */
	mode: "whisper" | "barge" | "takeover" | "handed";
}
/** Why two who talk do not hear each other. */
export type Trouble = "" | "customer_silent" | "customer_no_audio" | "agent_silent" | "agent_no_audio";
/** What a supervisor does in a call. */
export type Supervision = "listen" | "whisper" | "barge";
/** Who is in a call beside its agent, or is asked to come. */
export interface SecondView {
	/** "" for a number outside. */
	user: string;
	name: string;
	state: "ringing" | "talking" | "waiting" | "joined" | "failed";
	since: string;
	muted: boolean;
	why: string;
}
/** What the agent before wants the next one to know. */
export interface HandoverView {
	from: string;
	name: string;
	kind: "consult" | "transfer" | "return";
	note: string;
	at: string;
}
/** A call that waits in a parking place for whoever picks it up. */
export interface ParkedView {
	contact: string;
	slot: number;
	from: string;
	queue: string;
	by: string;
	since: string;
	until: string;
	note: string;
}
/** What is known of who calls, beside the number. */
export interface CallerView {
	name: string;
	trust: "verified" | "trunk" | "unknown";
	/** The attestation of a signature, A, B or C; "" for none. */
	attest: string;
	/** Who was called first, masked, and why that was forwarded; "" if nobody was. */
	diverted_from: string;
	diverted_why: string;
}
/** none; only if we ask for it; until we are done; until then or its limit; its whole time. */
export type WrapUpMode = "none" | "optional" | "mandatory" | "timed" | "fixed";
export interface CallView {
	contact: string;
	phase: Phase;
	since: string;
	line: string;
	from: string;
	caller?: CallerView;
	queue: string;
	queue_name: string;
	waited: number;
	chosen: string[] | null;
	language: string;
	reason: string;
	/** We called the customer; progress is how far that is while dialling. */
	outbound?: boolean;
	progress?: "" | "ringing" | "early" | "answered";
	until: string | null;
	/** The wrap-up of the call, also while it goes on. */
	wrap_up: WrapUpMode;
	/** We asked for one that is optional. */
	wrap_up_wanted?: boolean;
	muted: boolean;
	consent: Consent;
	recording: RecordingState;
	recording_why: string;
	paused_until: string | null;
	second: SecondView | null;
	/** We are the second one of the call. */
	helps: boolean;
	handover: HandoverView | null;
	codec: string;
	quality: QualityView | null;
	own: QualityView | null;
	coach: CoachView | null;
	trouble: Trouble;
	ended: EndCause | null;
	answered: string | null;
	disposition: string;
	note: string;
	tags?: Tags;
	/** Absent for a call; a callback's customer is called when we have answered. */
	kind?: "callback" | "voicemail";
	task?: string;
	/** The page answers by itself, after a beep. */
	auto_answer?: boolean;
	/** Who shows what; absent where nobody else could see anything. */
	video?: VideoView;
	/** The address of the CRM's page of this call. */
	crm?: string;
	/** What a bot handed over, what the flow shows, and the survey's answer. */
	context?: ContextView;
	variables?: VariableView[];
	csat?: number;
}
export type ContextValue = string | number | boolean | null | ContextValue[] | { [name: string]: ContextValue };
export interface ContextView {
	from: string;
	at: string;
	fields: Record<string, ContextValue>;
}
export interface VariableView {
	name: string;
	label: string;
	value: string;
}
export interface AgentView {
	user: string;
	name: string;
	state: AgentState;
	reason: string;
	since: string;
	ready: boolean;
	contact: string;
	queue: string;
	queues: string[] | null;
	headset: HeadsetReport | null;
	/** The agent's other call, offered, on hold or to be wrapped up; absent if there is none. */
	other?: string;
	other_state?: AgentState;
}
/** What the check of a headset found; levels in dB, null was not measured. */
export interface HeadsetReport {
	at: string;
	verdict: "good" | "fair" | "bad";
	problems: HeadsetProblem[] | null;
	microphone: string;
	suppression: Suppression;
	noise_db: number | null;
	voice_db: number | null;
	echo_db: number | null;
	rtt_ms: number | null;
	jitter_ms: number | null;
	loss_up: number | null;
	loss_down: number | null;
}
export type HeadsetProblem = "microphone" | "noise" | "voice" | "echo" | "network" | "ring";
export type Suppression = "off" | "browser" | "rnnoise";
/** What the server counted of the seat's own sound during a test of the network. */
export interface EchoView {
	on: boolean;
	since: string;
	received: number;
	lost: number;
	sent: number;
	jitter_ms: number;
}
/** Something to be done after a call, until it is closed. */
export interface TaskView {
	id: string;
	kind: "callback" | "voicemail" | "after_call" | "promise";
	state: "scheduled" | "queued" | "active" | "open";
	queue: string;
	queue_name: string;
	agent: string;
	from: string;
	call: string;
	recording: string;
	length: number;
	note: string;
	made: string;
	due: string | null;
	next: string | null;
	tries: number;
	reminded: boolean;
}
export interface QueueView {
	id: string;
	name: string;
	waiting: number;
	/** Callbacks and voicemails that wait. */
	tasks: number;
	longest_since: string | null;
	available: number;
	staffed: number;
	talking: number;
	answered: number;
	answered_in: number;
	service_level: number;
	abandoned: number;
	expected: number;
	/** What a supervisor decided; "" is by the hours. */
	door: Door;
}
/** Something that supervisors should look at: an agent who does not answer, or a queue with a surge. */
export interface AlertView {
	kind:
		| "missed"
		| "surge"
		| "promise"
		| "callback"
		| "hand"
		| "threshold"
		| "outbound_stopped"
		| "outbound_blocked"
		| "outbound_cap";
	agent: string;
	queue: string;
	text: string;
	at: string;
	/** Of a threshold: what is over, or under, which limit. */
	figure?: "waiting" | "longest" | "expected" | "available" | "staffed" | "service_level";
	over?: boolean;
	limit?: number;
	severity?: "warn" | "bad";
}
export interface FloorCallView {
	contact: string;
	line: string;
	from: string;
	stage: "flow" | "queue" | "parked" | Phase;
	started: string;
	since: string;
	queue: string;
	agent: string;
	consent: Consent;
	second: SecondView | null;
	recording: RecordingState;
	quality: QualityView | null;
	listeners: string[] | null;
	coach: CoachView | null;
	trouble: Trouble;
	kind?: "callback" | "voicemail";
}
export interface ListenView {
	contact: string;
	mode: Supervision;
	since: string;
	codec: string;
}
export type VideoSource = "camera" | "screen";
/** on: it is on its way; held: nobody gets it now; weak: a network cannot carry it. */
export type VideoState = "on" | "held" | "weak";
/** Who shows what in a call. */
export interface VideoView {
	/** What the page's sender switches to ("VP8"). */
	codec: string;
	/** What this seat shows. */
	own: VideoSource | "";
	state: VideoState | "";
	/** Names of those who get it now; the customer is "". */
	seen_by: string[] | null;
	shown: ShownView[] | null;
}
/** What one other shows. */
export interface ShownView {
	track: "customer" | "third";
	/** "" for the customer. */
	user: string;
	name: string;
	source: VideoSource;
	state: VideoState;
	/** Whose network is too weak: of who shows, or ours. */
	weak?: "theirs" | "ours";
}
/** One thing that happened in a call from the flow editor: what the customer hears and does. */
export interface FlowCallEvent {
	at: number;
	kind: string;
	flow: string;
	node: string;
	type?: string;
	text: string;
	prompt?: string;
	language?: string;
	seconds?: number;
}
/** A call from the flow editor, in which this seat is the customer's phone. */
export interface FlowCallView {
	call: string;
	flow: string;
	line: string;
	since: string;
	codec: string;
	node: string;
	events: FlowCallEvent[] | null;
	ended: EndCause | null;
	video?: VideoView;
}
