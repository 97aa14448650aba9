import { type Act, Buttons, type Showing } from "./buttons.ts";
import { type Layout, layoutOf, lightReports, quirkOf, readButtons, TELEPHONY_FILTER } from "./hid.ts";
import { Cell, type Value } from "./value.ts";

/** Whether a headset's buttons work. */
export type HeadsetState =
	| { at: "unsupported" }
	| { at: "none" }
	| { at: "ready"; name: string; maker: string }
	| { at: "failed"; name: string };

/** The part of navigator.hid that is used. */
export type HidAccess = Pick<HID, "getDevices" | "requestDevice" | "addEventListener">;

/** One open headset. */
interface Open {
	device: HIDDevice;
	layout: Layout;
	buttons: Buttons;
	hear: (event: HIDInputReportEvent) => void;
	/** What was written last, by report, so that nothing is written twice. */
	written: Map<number, string>;
	writing: Promise<void>;
}

/**
 * Headset joins the buttons and lights of a telephony headset to the call. It
 * takes the first that the person allowed, and the next one when that is
 * unplugged; one that is plugged in during a call shows the call at once.
 */
export class Headset {
	#state: Cell<HeadsetState>;
	#open: Open | null = null;
	#showing: Showing = { call: "none", muted: false };
	#job: Promise<void> = Promise.resolve();
	readonly #gone = new AbortController();

	/** hid is undefined where the browser has no WebHID, or the page may not use it. */
	constructor(
		private readonly hid: HidAccess | undefined,
		private readonly act: (act: Act) => void,
		private readonly now: () => number = () => performance.now(),
	) {
		this.#state = new Cell<HeadsetState>(hid ? { at: "none" } : { at: "unsupported" });
		const { signal } = this.#gone;
		hid?.addEventListener("connect", () => void this.look(), { signal });
		hid?.addEventListener(
			"disconnect",
			({ device }) => {
				if (this.#open?.device !== device) return;
				this.#release();
				void this.look();
			},
			{ signal },
		);
	}

	get state(): Value<HeadsetState> {
		return this.#state;
	}

	/** Opens a headset that was allowed before, if none is open. One look at a time. */
	look(): Promise<void> {
		this.#job = this.#job.then(() => this.#look());
		return this.#job;
	}

	/** Asks the person for a headset; only on a click. */
	async ask(): Promise<void> {
		await this.hid?.requestDevice({ filters: TELEPHONY_FILTER }).catch(() => []);
		return this.look();
	}

	/** The call is like this now. */
	show(showing: Showing): void {
		this.#showing = showing;
		this.#open?.buttons.show(showing, this.now());
		this.#light("changed");
	}

	/** An answer that the headset gave was refused. */
	unanswered(): void {
		this.#open?.buttons.unanswered();
		this.#light("again");
	}

	/** Lets the headset go, for good: the next person's buttons are another Headset's. */
	async close(): Promise<void> {
		this.#gone.abort();
		await this.#job; // it may be opening one
		this.show({ call: "none", muted: false });
		await this.#open?.writing;
		const device = this.#open?.device;
		this.#release();
		await device?.close().catch(() => undefined);
	}

	async #look(): Promise<void> {
		if (!this.hid || this.#open) return;
		const devices = await this.hid.getDevices().catch(() => []);
		if (this.#gone.signal.aborted) return;
		let failed = "";
		for (const device of devices) {
			const layout = layoutOf(device.collections);
			if (!layout || this.#open) continue;
			try {
				if (!device.opened) await device.open();
				if (this.#gone.signal.aborted) return void (await device.close()); // signed out meanwhile
				this.#take(device, layout);
			} catch (error) {
				console.warn("the headset's buttons cannot be used; another program may hold them", error);
				failed = device.productName;
			}
		}
		if (!this.#open) this.#state.set(failed ? { at: "failed", name: failed } : { at: "none" });
	}

	#take(device: HIDDevice, layout: Layout): void {
		const quirk = quirkOf(device.vendorId);
		const buttons = new Buttons(quirk, this.act);
		const hear = (event: HIDInputReportEvent) => {
			if (buttons.report(readButtons(layout, event.reportId, event.data), this.now())) this.#light("again");
		};
		device.addEventListener("inputreport", hear);
		this.#open = { device, layout, buttons, hear, written: new Map(), writing: Promise.resolve() };
		this.#state.set({ at: "ready", name: device.productName, maker: quirk.maker });
		this.show(this.#showing);
	}

	#release(): void {
		const open = this.#open;
		if (!open) return;
		open.device.removeEventListener("inputreport", open.hear);
		this.#open = null;
		this.#state.set({ at: "none" });
	}

	/** Writes the lights, one report after the other: "again" also what has not changed. */
	#light(why: "changed" | "again"): void {
		const open = this.#open;
		if (!open) return;
		for (const [id, data] of lightReports(open.layout, open.buttons.lights())) {
			const text = data.join();
			if (why === "changed" && open.written.get(id) === text) continue;
			open.written.set(id, text);
			open.writing = open.writing
				.then(() => open.device.sendReport(id, data))
				.catch((error: unknown) => {
					open.written.delete(id);
					if (this.#open === open) console.warn("the headset did not take its lights", error);
				});
		}
	}
}
