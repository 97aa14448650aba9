/** What should go out on a track. */
export interface Outgoing {
	track: MediaStreamTrack | null;
	/** The codec of the far leg ("PCMU", "VP8"); "" leaves it. */
	codec: string;
}

/** TypeScript's DOM does not know the encoding's codec yet (WebRTC extensions, "codec" of RTCRtpEncodingParameters). */
type Encoding = RTCRtpEncodingParameters & { codec?: RTCRtpCodec };

/** The most that a picture may take of the network, in bit/s; the browser takes less when it carries less. */
const MOST_VIDEO = 1_500_000;

/** Outlet brings one sender of a peer connection to what was wished: its codec first, then its track. */
export class Outlet {
	#wish: Outgoing = { track: null, codec: "" };
	/** The sender that is being brought there. One of a connection that was closed meanwhile may never answer. */
	#applying: RTCRtpSender | null = null;
	#refused = new Set<string>();

	/** sender is the present connection's; agreed says whether it was answered. */
	constructor(
		private readonly kind: "audio" | "video",
		private readonly sender: () => RTCRtpSender | undefined,
		private readonly agreed: () => boolean,
	) {}

	/** Says what goes out. The codec is switched first, so that the first packet is right. */
	send(wish: Outgoing): void {
		this.#wish = wish;
		void this.apply();
	}

	/** Brings the sender there; one at a time, the last word wins. */
	async apply(): Promise<void> {
		const sender = this.sender();
		if (!sender || this.#applying === sender) return;
		this.#applying = sender;
		try {
			while (this.sender() === sender) {
				const { track, codec } = this.#wish;
				// Nothing is awaited before the track is on unless the codec must change.
				const change = this.#codecChange(sender, codec);
				if (change) {
					await this.#useCodec(sender, change, codec);
					continue;
				}
				if (sender.track === track) return;
				await sender.replaceTrack(track);
			}
		} catch (error) {
			console.warn("what goes out could not be switched", this.kind, error); // the connection went away under it
		} finally {
			if (this.#applying === sender) this.#applying = null;
		}
	}

	/** The parameters that switch the sender to a codec; null when it has it, or cannot. */
	#codecChange(sender: RTCRtpSender, name: string): RTCRtpSendParameters | null {
		if (name === "" || !this.agreed() || this.#refused.has(name)) return null;
		const parameters = sender.getParameters();
		const wanted = `${this.kind}/${name}`.toLowerCase();
		const codec = parameters.codecs?.find((c) => c.mimeType.toLowerCase() === wanted);
		const encoding = parameters.encodings?.[0] as Encoding | undefined;
		if (!codec || !encoding || encoding.codec?.mimeType === codec.mimeType) return null;
		encoding.codec = codec;
		if (this.kind === "video") encoding.maxBitrate = MOST_VIDEO;
		return parameters;
	}

	async #useCodec(sender: RTCRtpSender, change: RTCRtpSendParameters, name: string): Promise<void> {
		try {
			await sender.setParameters(change);
		} catch (error) {
			this.#refused.add(name); // the server transcodes sound then; a picture goes as the first that was agreed on
			console.warn("the codec could not be switched", name, error);
		}
	}
}
