import type { App } from "../state/app.svelte.ts";
import type { Desk } from "../state/desk.svelte.ts";
import type { Seat } from "../state/seat.svelte.ts";

/** How far one press of a headset's volume button goes. */
const VOLUME_STEP = 0.1;

/** Keeps the headset's buttons and lights in step with the call, and says in words when the sound moves. */
export function headset(app: App, seat: Seat, desk: Desk): void {
	const call = $derived(seat.doc.call);
	const shown = $derived.by(() => {
		const phase = call?.phase;
		if (!call || phase === undefined || phase === "wrap_up") return { call: "none", muted: false } as const;
		return { call: phase === "dialling" ? "talking" : phase, muted: call.muted } as const;
	});

	$effect(() => seat.headset.show(shown));

	seat.pressed = (act) => {
		const { volume } = seat.box.sound.now;
		switch (act) {
			case "volume_up":
				return seat.box.set({ volume: Math.min(1, volume + VOLUME_STEP) });
			case "volume_down":
				return seat.box.set({ volume: Math.max(0, volume - VOLUME_STEP) });
			case "answer":
				// The headset is told at once; a refusal takes it back.
				if (desk.whyNot("answer") !== "") return seat.headset.unanswered();
				void app.run(seat.phone.answer()).then((done) => done || seat.headset.unanswered());
				return;
			default:
				desk.act(act);
		}
	};

	$effect(() =>
		seat.mic.moved.follow((moved) => {
			if (!moved) return;
			const { from, to } = moved;
			app.toast(moved.kind === "back" ? "ok" : "bad", app.t(`mic.moved.${moved.kind}`, { from, to }));
		}),
	);
	const lost = $derived.by(() => {
		const wanted = seat.sound.speaker;
		const known = seat.devicesNow.filter((d) => d.kind === "speaker");
		if (!wanted || known.length === 0 || known.some((d) => d.id === wanted.id || d.label === wanted.label)) return "";
		return wanted.label;
	});
	let before = "";
	$effect(() => {
		if (lost) app.toast("bad", app.t("speaker.moved", { from: lost }));
		else if (before && before === seat.sound.speaker?.label) app.toast("ok", app.t("mic.moved.back", { to: before }));
		before = lost;
	});
	$effect(() => {
		if (call?.phase === "ringing" && desk.open === "headset") desk.close();
	});
}
