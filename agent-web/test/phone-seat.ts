import { afterEach, beforeEach, vi } from "vitest";
import { Camera } from "../src/phone/camera.ts";
import { Microphone } from "../src/phone/mic.ts";
import { Phone } from "../src/phone/phone.ts";
import { Playback } from "../src/phone/playback.ts";
import type { Phase, Role } from "../src/phone/protocol.ts";
import { Screen } from "../src/phone/screen.ts";
import type { CallView } from "../src/phone/views.ts";
import { FakeDevices, FakePeer, FakeWire, settled, WELCOME } from "./fakes.ts";

/** Gives each test of a file its own clock, and a MediaStream, which jsdom has none of. */
export function ownClock(): void {
	beforeEach(() => {
		vi.useFakeTimers();
		vi.stubGlobal(
			"MediaStream",
			class {
				constructor(readonly tracks: unknown[]) {}
			},
		);
	});
	afterEach(() => {
		vi.useRealTimers();
		vi.unstubAllGlobals();
	});
}

export const call = (phase: Phase, more: Partial<CallView> = {}) => ({
	contact: "c1",
	phase,
	muted: false,
	codec: "PCMA",
	...more,
});

/** A seat with everything fake; ready has it signed in and its media connected. */
export function seat(role: Role = "agent") {
	const wires: FakeWire[] = [];
	const peers: FakePeer[] = [];
	const devices = new FakeDevices();
	const mic = new Microphone(devices);
	let seq = 1;
	const phone = new Phone({
		role,
		tab: "t1",
		dial: () => {
			const wire = new FakeWire();
			wires.push(wire);
			return wire;
		},
		session: async () => "good",
		createPeer: () => {
			const peer = new FakePeer();
			peers.push(peer);
			return peer as unknown as RTCPeerConnection;
		},
		mic,
		camera: new Camera(undefined),
		screen: new Screen(undefined),
		playback: new Playback(null),
		audio: null,
	});
	const wire = () => wires.at(-1) as FakeWire;
	const peer = () => peers.at(-1) as FakePeer;
	const put = (key: string, value: unknown) => wire().say({ type: "change", seq: ++seq, key, value });
	const welcome = async (phoneTab = true) => {
		wire().accept();
		wire().say(WELCOME, { type: "snapshot", seq, doc: {} }, { type: "tab", phone: phoneTab });
		await settled();
	};
	const connect = async () => {
		wire().say({ type: "answer", sdp: "v=0", peer: peers.length });
		await settled();
		peer().move("connected");
		await settled();
	};
	/** The server has done all that it was asked for. */
	const done = async () => {
		for (const { req } of wire().of("do")) wire().say({ type: "result", req });
		await settled();
	};
	const ready = async () => {
		phone.start();
		await welcome();
		await connect();
	};
	return { phone, wires, peers, devices, mic, wire, peer, put, welcome, connect, done, ready };
}
