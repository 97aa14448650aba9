// driver.mjs drives headless Chromium for the Go tests: one JSON command a
// line on standard input, one JSON answer a line on standard output. It needs
// playwright-core from agent-web/node_modules and Debian's chromium.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const require = createRequire(fileURLToPath(new URL('../../agent-web/package.json', import.meta.url)));
const { chromium } = require('playwright-core');

const contexts = new Map(); // name -> {browser, context, page, log}

// mic: the permission is given, else it is refused; device: there is one.
// insecure: any certificate will do. y4m: what the camera sees.
const flags = ({ wav, y4m, mic, device, insecure }) => [
  ...(insecure ? ['--ignore-certificate-errors'] : []),
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ...(device ? ['--use-fake-device-for-media-stream'] : []),
  mic ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts',
  '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection',
  ...(y4m ? [`--use-file-for-fake-video-capture=${y4m}`] : []),
  ...(wav ? [`--use-file-for-fake-audio-capture=${wav}`] : []),
];

const commands = {
  // open starts a browser of its own, so that each person has their own microphone.
  // blocks: windows are blocked as people's browsers do, one for each key or click; Playwright's own has that off.
  async open({ name, url, wav, y4m, width = 1280, height = 720, scheme = 'light', locale = 'en-US', mic = true, device = true, insecure = false, blocks = false, init }) {
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags({ wav, y4m, mic, device, insecure }),
      ignoreDefaultArgs: blocks ? ['--disable-popup-blocking'] : [],
    });
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, locale, permissions: mic ? ['microphone', 'camera', 'notifications'] : [],
    });
    if (init) await context.addInitScript(init); // before any script of the page
    const page = await context.newPage();
    const log = [];
    page.on('console', (m) => log.push(`${m.type()}: ${m.text()}`));
    page.on('pageerror', (e) => log.push(`error: ${e.message}`));
    contexts.set(name, { browser, context, page, log });
    await page.goto(url);
  },
  async tab({ name, of, url }) {
    const { browser, context } = contexts.get(of);
    const page = await context.newPage();
    const log = [];
    page.on('console', (m) => log.push(`${m.type()}: ${m.text()}`));
    contexts.set(name, { browser, context, page, log });
    await page.goto(url);
  },
  // popup takes the window that a page has opened.
  async popup({ name, of }) {
    const { browser, context, page: opener } = contexts.get(of);
    const page = context.pages().find((p) => p !== opener) ?? (await context.waitForEvent('page', { timeout: 10000 }));
    contexts.set(name, { browser, context, page, log: [] });
  },
  async click({ name, id, timeout = 10000 }) {
    await contexts.get(name).page.getByTestId(id).first().click({ timeout });
  },
  async press({ name, key }) { await contexts.get(name).page.keyboard.press(key); },
  // crash kills the tab's renderer, as a browser out of memory would.
  async crash({ name }) {
    const { context, page } = contexts.get(name);
    const cdp = await context.newCDPSession(page);
    await Promise.race([
      new Promise((done) => page.once('crash', done)),
      cdp.send('Page.crash').catch(() => undefined).then(() => new Promise((done) => setTimeout(done, 5000))),
    ]);
  },
  // replace opens a new tab in the place of one that crashed.
  async replace({ name, url }) {
    const c = contexts.get(name);
    c.page = await c.context.newPage();
    c.page.on('console', (m) => c.log.push(`${m.type()}: ${m.text()}`));
    await c.page.goto(url);
  },
  // lifecycle freezes a tab as a closed lid does, or wakes it (frozen, active).
  async lifecycle({ name, state }) {
    const { context, page } = contexts.get(name);
    const cdp = await context.newCDPSession(page);
    await cdp.send('Page.setWebLifecycleState', { state });
    await cdp.detach();
  },
  // worker runs a script in the page's service worker.
  async worker({ name, js }) {
    const { context } = contexts.get(name);
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker', { timeout: 10000 }));
    return await worker.evaluate(js);
  },
  // within clicks what a selector finds in the frame of a test id, or waits for its text.
  async within({ name, id, selector, text, timeout = 10000 }) {
    const found = contexts.get(name).page.getByTestId(id).contentFrame().locator(selector);
    if (text === undefined) await found.click({ timeout });
    else await found.filter({ hasText: text }).waitFor({ timeout });
  },
  // type writes into the field that has the focus.
  async type({ name, text }) { await contexts.get(name).page.keyboard.type(text); },
  async fill({ name, selector, value }) { await contexts.get(name).page.fill(selector, value); },
  // touch clicks what a CSS selector finds first, shadow roots included.
  async touch({ name, selector }) { await contexts.get(name).page.locator(selector).first().click({ timeout: 10000 }); },
  // paste pastes text into what a CSS selector finds, shadow roots included.
  async paste({ name, selector, text }) {
    await contexts.get(name).page.locator(selector).evaluate((element, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', text);
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  },
  async files({ name, selector, paths }) { await contexts.get(name).page.setInputFiles(selector, paths); },
  async drag({ name, from, to }) {
    const page = contexts.get(name).page;
    const middle = async (selector) => {
      const b = await page.locator(selector).first().boundingBox();
      return [b.x + b.width / 2, b.y + b.height / 2];
    };
    const [a, b] = [await middle(from), await middle(to)];
    await page.mouse.move(...a);
    await page.mouse.down();
    await page.mouse.move((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, { steps: 5 });
    await page.mouse.move(...b, { steps: 5 });
    await page.mouse.up();
  },
  async select({ name, selector, value }) { await contexts.get(name).page.selectOption(selector, value); },
  // wait waits for an element (by test id), for its data-state or for its text.
  async wait({ name, id, state, text, gone = false, timeout = 15000 }) {
    const page = contexts.get(name).page;
    await page.waitForFunction(([id, state, text, gone]) => {
      const e = document.querySelector(`[data-testid="${id}"]`);
      if (gone) return e === null || e.hidden || e.getClientRects().length === 0;
      if (!e) return false;
      if (state) return e.dataset.state === state;
      if (text) return e.textContent.includes(text);
      return true;
    }, [id, state ?? '', text ?? '', gone], { timeout, polling: 20 });
  },
  async reload({ name }) { await contexts.get(name).page.reload({ waitUntil: 'commit' }); },
  // idle waits until the page has what it asked for.
  async idle({ name }) { await contexts.get(name).page.waitForLoadState('networkidle'); },
  // look is what the system wishes: light, dark or contrast.
  async look({ name, look }) {
    await contexts.get(name).page.emulateMedia({ colorScheme: look === 'light' ? 'light' : 'dark', contrast: look === 'contrast' ? 'more' : 'no-preference' });
  },
  async goto({ name, url }) { await contexts.get(name).page.goto(url); },
  async eval({ name, js }) { return await contexts.get(name).page.evaluate(js); },
  // level measures, over ms, how strong a frequency is in what a track plays:
  // its share of the power (0 to 1) and the RMS of all (0 to 1).
  async level({ name, track, hz, ms = 1500 }) {
    return await contexts.get(name).page.evaluate(async ([track, hz, ms]) => {
      const element = document.querySelector(`audio[data-track="${track}"]`);
      if (!element?.srcObject) return { share: 0, rms: 0, samples: 0 };
      const ctx = new AudioContext();
      await ctx.resume();
      const analyser = ctx.createAnalyser();
      analyser.fftSize = 8192;
      ctx.createMediaStreamSource(element.srcObject).connect(analyser);
      const data = new Float32Array(analyser.fftSize);
      let tone = 0, all = 0, rounds = 0;
      const end = performance.now() + ms;
      while (performance.now() < end) {
        await new Promise((r) => setTimeout(r, 170));
        analyser.getFloatTimeDomainData(data);
        const w = (2 * Math.PI * hz) / ctx.sampleRate, c = 2 * Math.cos(w);
        let s1 = 0, s2 = 0, power = 0;
        for (const x of data) { const s0 = x + c * s1 - s2; s2 = s1; s1 = s0; power += x * x; }
        tone += (2 * (s1 * s1 + s2 * s2 - c * s1 * s2)) / data.length;
        all += power;
        rounds++;
      }
      await ctx.close();
      return { share: all > 0 ? tone / all : 0, rms: Math.sqrt(all / (rounds * data.length)), samples: rounds * data.length };
    }, [track, hz, ms]);
  },
  // screenshot writes a PNG, or a WebP, which is a quarter of that.
  async screenshot({ name, path, full = false }) {
    const { context, page } = contexts.get(name);
    if (!path.endsWith('.webp')) return void (await page.screenshot({ path, fullPage: full }));
    const cdp = await context.newCDPSession(page);
    const { data } = await cdp.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
    await cdp.detach();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.from(data, 'base64'));
  },
  async size({ name, width, height }) { await contexts.get(name).page.setViewportSize({ width, height }); },
  // axe says what is serious; rules: only these, and not the rest again.
  async axe({ name, rules }) {
    const page = contexts.get(name).page;
    // evaluate is not subject to the page's content-security policy
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    // What is only half there has too little contrast.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished)).then(() => undefined));
    return await page.evaluate(async (rules) => {
      const r = await window.axe.run(document, rules ? { runOnly: { type: 'rule', values: rules } } : {});
      return r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
    }, rules ?? null);
  },
  // memory says what is left of a page after its garbage was collected.
  async memory({ name }) {
    const { context, page } = contexts.get(name);
    const cdp = await context.newCDPSession(page);
    await cdp.send('HeapProfiler.enable');
    for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
    await cdp.detach();
    return { heap: usedSize, nodes, listeners: jsEventListeners };
  },
  async offline({ name, on }) { await contexts.get(name).context.setOffline(on); },
  async log({ name }) { return contexts.get(name).log; },
  async text({ name, id }) { return await contexts.get(name).page.getByTestId(id).first().textContent(); },
  async body({ name }) { return await contexts.get(name).page.evaluate(() => document.body.innerText); },
  async close({ name }) {
    const c = contexts.get(name);
    contexts.delete(name);
    if (c && ![...contexts.values()].some((o) => o.browser === c.browser)) await c.browser.close();
    else await c?.page.close();
  },
};

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const { n, do: verb, ...args } = JSON.parse(line);
  let answer;
  try {
    answer = { n, ok: (await commands[verb](args)) ?? null };
  } catch (e) {
    answer = { n, error: String(e?.message ?? e) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const { browser } of contexts.values()) await browser.close().catch(() => {});
