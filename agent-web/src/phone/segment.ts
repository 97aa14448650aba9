/**
 * Who is in a picture: the Selfie Segmentation model (MediaPipe, Apache-2.0) on
 * TensorFlow Lite, as @twilio/video-processors ships them. The program is used as
 * it is and its loader is not: that one would want to run in a page. What it asks
 * of its surroundings is little, and listed in surroundings().
 */
export interface Segmenter {
	readonly width: number;
	readonly height: number;
	/** Takes RGBA of width × height; gives how surely each pixel is the person, 0 to 1. The array is overwritten by the next call. */
	run(pixels: Uint8ClampedArray): Float32Array;
}

/** The exported functions, by the names that this build (tflite-simd-1-0-0) gives them. */
interface Program {
	q: WebAssembly.Memory;
	/** Runs the constructors. */
	r(): void;
	/** Where the model goes, the input and the output are, in bytes. */
	s(): number;
	t(): number;
	x(): number;
	/** Height, width and channels of the input. */
	u(): number;
	v(): number;
	w(): number;
	/** Reads the model of so many bytes, runs it; 0 is well. */
	B(size: number): number;
	C(): number;
}

/** Makes a segmenter; rejects where WebAssembly with SIMD does not work. */
export async function segmenter(wasm: BufferSource, model: ArrayBuffer): Promise<Segmenter> {
	const memory = { of: null as WebAssembly.Memory | null };
	const { instance } = await WebAssembly.instantiate(wasm, { a: surroundings(memory) });
	const program = instance.exports as unknown as Program;
	memory.of = program.q;
	program.r();
	new Uint8Array(program.q.buffer).set(new Uint8Array(model), program.s());
	if (program.B(model.byteLength) !== 0) throw new Error("the segmentation model could not be read");
	const width = program.v();
	const height = program.u();
	if (program.w() !== 3) throw new Error(`the segmentation model wants ${program.w()} channels, not 3`);
	return {
		width,
		height,
		run(pixels) {
			const input = new Float32Array(program.q.buffer, program.t(), width * height * 3);
			for (let from = 0, to = 0; to < input.length; from += 4) {
				input[to++] = (pixels[from] ?? 0) / 255;
				input[to++] = (pixels[from + 1] ?? 0) / 255;
				input[to++] = (pixels[from + 2] ?? 0) / 255;
			}
			if (program.C() !== 0) throw new Error("the segmentation failed");
			return new Float32Array(program.q.buffer, program.x(), width * height);
		},
	};
}

/** What the program imports: memory, a clock, and nothing of the file system, of threads or of the environment. */
function surroundings(memory: { of: WebAssembly.Memory | null }): WebAssembly.ModuleImports {
	const buffer = () => memory.of?.buffer ?? new ArrayBuffer(0);
	const words = () => new Int32Array(buffer());
	const never = (what: string) => () => {
		throw new Error(`the segmentation called ${what}`);
	};
	return {
		a: never("abort"),
		d: never("dlsym"),
		i: never("dlopen"),
		j: never("exit"),
		h: () => 2 ** 31,
		l: (to: number, from: number, n: number) => void new Uint8Array(buffer()).copyWithin(to, from, from + n),
		m: (size: number) => grown(memory.of, size),
		n: (_clock: number, to: number) => {
			const now = performance.now();
			const at = words();
			at[to >> 2] = Math.floor(now / 1000);
			at[(to >> 2) + 1] = Math.floor((now % 1000) * 1e6);
			return 0;
		},
		o: () => undefined,
		p: () => 0,
		f: (count: number, size: number) => {
			const at = words();
			at[count >> 2] = 0;
			at[size >> 2] = 0;
			return 0;
		},
		g: () => 0,
		k: () => 0,
		// What it prints is for its makers; it is told that all was written.
		b: (_file: number, pieces: number, n: number, to: number) => {
			const at = words();
			let written = 0;
			for (let i = 0; i < n; i++) written += at[(pieces >> 2) + 2 * i + 1] ?? 0;
			at[to >> 2] = written;
			return 0;
		},
		c: () => 6, // no threads
		e: () => 28,
	};
}

const PAGE = 65_536;

function grown(memory: WebAssembly.Memory | null, size: number): 0 | 1 {
	if (!memory) return 0;
	try {
		memory.grow(Math.ceil((size - memory.buffer.byteLength) / PAGE));
		return 1;
	} catch {
		return 0;
	}
}
