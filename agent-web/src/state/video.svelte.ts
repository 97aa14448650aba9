import type { CameraState } from "../phone/camera.ts";
import type { Failure } from "../phone/socket.ts";
import type { ShownView, VideoView } from "../phone/views.ts";
import type { App } from "./app.svelte.ts";
import type { Seat } from "./seat.svelte.ts";

/** The acts on pictures, each with its key. */
export const VIDEO_ACTS = [
	{ act: "video", key: "v", label: "video.on" },
	{ act: "share", key: "y", label: "video.share.long" },
	{ act: "blur", key: "b", label: "video.blur" },
	{ act: "self", key: "z", label: "video.self" },
	{ act: "large", key: "l", label: "video.large" },
	{ act: "full", key: "f", label: "video.full" },
] as const;
export type VideoAct = (typeof VIDEO_ACTS)[number]["act"];

export function isVideoAct(act: string): act is VideoAct {
	return VIDEO_ACTS.some((a) => a.act === act);
}

/** VideoDesk is what can be done with pictures now and why not, as Desk is for the rest of the call. */
export class VideoDesk {
	/** How large the pictures were asked to be. */
	#wanted = $state<"small" | "large">("small");
	/** Where the pictures are on the page: what fills the screen. */
	stage: HTMLElement | null = null;

	constructor(
		private readonly app: App,
		private readonly seat: Seat,
	) {}

	/** Who shows what in the call; null where nobody could see anything. */
	get view(): VideoView | null {
		const call = this.seat.doc.call;
		return (call?.phase === "talking" || call?.phase === "hold" ? call.video : null) ?? null;
	}

	/** What others show, whether it comes now or not. */
	get shown(): ShownView[] {
		return this.view?.shown ?? [];
	}

	/** Whether there is anything to look at. */
	get open(): boolean {
		const { source, next } = this.seat.video;
		return this.view !== null && (this.shown.length > 0 || source !== "" || next === "camera");
	}

	get size(): "small" | "large" {
		return this.open ? this.#wanted : "small";
	}

	whyNot(act: VideoAct): string {
		const { t } = this.app;
		const phase = this.seat.doc.call?.phase;
		const { source } = this.seat.video;
		switch (act) {
			case "video":
			case "share":
				if (phase !== "talking" && phase !== "hold") return t("why.talking");
				if (!this.view) return t("why.novideo");
				return act === "share" && !shares() ? t("why.noshare") : "";
			case "blur":
				return source === "camera" || this.seat.cameraNow.at === "ok" ? "" : t("why.nocamera");
			case "self":
				return this.open && source !== "" ? "" : t("why.noown");
			case "large":
			case "full":
				return this.open ? "" : t("why.nopicture");
		}
	}

	act(act: VideoAct): void {
		const { video } = this.seat.phone;
		const { source, next } = this.seat.video;
		const { picture } = this.seat;
		switch (act) {
			case "video":
				return void this.#run(source === "camera" || next === "camera" ? video.hide() : video.show("camera"));
			case "share":
				return void this.#run(source === "screen" ? video.unshare() : video.show("screen"));
			case "blur":
				return this.seat.pictures.set({ blur: picture.blur === "on" ? "off" : "on" });
			case "self":
				return this.seat.pictures.moveSelf();
			case "large":
				this.#wanted = this.#wanted === "large" ? "small" : "large";
				return;
			case "full":
				return void this.#full();
		}
	}

	/** What is wrong with the camera, in words; "" when nothing is. */
	camera(state: CameraState): string {
		const { t } = this.app;
		if (state.at === "missing") return t(`camera.${state.why}`);
		if (state.at === "denied") return t("camera.denied");
		return state.at === "ended" ? t("camera.ended", { name: state.label }) : "";
	}

	async #run(done: Promise<Failure | null>): Promise<void> {
		const failure = await done;
		if (!failure) return;
		const why = failure.code === "camera" ? this.camera(this.seat.camera.state.now) : "";
		if (why) this.app.toast("bad", why);
		else if (failure.code === "screen") this.app.toast("bad", this.app.t("why.noshare"));
		else this.app.fail(failure.code, failure.message);
	}

	async #full(): Promise<void> {
		try {
			if (document.fullscreenElement) await document.exitFullscreen();
			else await this.stage?.requestFullscreen();
		} catch (error) {
			console.warn("the picture cannot fill the screen", error);
		}
	}
}

function shares(): boolean {
	return Boolean(navigator.mediaDevices && "getDisplayMedia" in navigator.mediaDevices);
}
