import type { App } from "../state/app.svelte.ts";
import type { Seat } from "../state/seat.svelte.ts";

/** Everything outside the page that says "it rings": sound, title, icon, a notification. */
export function ringing(app: App, seat: Seat): void {
	const { ringer } = seat;
	const rings = $derived(seat.doc.call?.phase === "ringing" ? seat.doc.call : null);
	const contact = $derived(rings?.contact ?? "");
	const from = $derived(rings?.from || app.t("call.from.hidden"));
	const connected = $derived(seat.state.link.at === "live");

	$effect(() => {
		if (contact === "") return;
		ringer.start();
		const note = notify(app, from, rings?.queue_name ?? "", rings?.waited ?? 0);
		return () => {
			ringer.stop();
			note?.close();
		};
	});

	$effect(() => {
		if (contact === "") {
			document.title = app.t("app.name");
			return;
		}
		let n = 0;
		const flash = () => {
			document.title = n++ % 2 === 0 ? app.t("title.ringing", { from }) : app.t("app.name");
		};
		flash();
		const timer = setInterval(flash, 1000);
		return () => clearInterval(timer);
	});

	$effect(() => {
		const icon = contact !== "" ? "favicon-ringing" : connected ? "favicon" : "favicon-lost";
		document.getElementById("favicon")?.setAttribute("href", `/${icon}.svg`);
		return () => document.getElementById("favicon")?.setAttribute("href", "/favicon.svg");
	});
}

function notify(app: App, from: string, queue: string, waited: number): Notification | undefined {
	if (!("Notification" in window) || Notification.permission !== "granted" || document.visibilityState === "visible") {
		return undefined;
	}
	const note = new Notification(app.t("notify.title", { queue }), {
		body: app.t("notify.body", { from, t: app.clock(waited) }),
		tag: "callfloor-ringing",
		icon: "/favicon-ringing.svg",
		requireInteraction: true,
	});
	note.onclick = () => {
		window.focus();
		note.close();
	};
	return note;
}
