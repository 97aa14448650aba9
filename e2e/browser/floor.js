// floor.js takes the place of the seat socket in a supervisor's page: a floor of
// 500 agents and 200 callers who wait, in the words of the golden files that the
// server's tests read too, and as many changes as a test asks for, each a message of
// its own. It counts what the page does with them. GOLDEN is written in by the test.
(() => {
  const golden = GOLDEN;
  const AGENTS = 500, WAITING = 200, QUEUES = 8;
  const began = Date.now();
  const at = (s) => new Date(began - s * 1000).toISOString();
  const pad = (n, width = 3) => String(n).padStart(width, '0');
  const queueOf = (n) => `queue${n % QUEUES}`;
  const states = ['talking', 'talking', 'available', 'wrap_up', 'talking', 'hold', 'away', 'talking'];
  const names = ['Ava', 'Ben', 'Chen Wei', 'Dora', 'Emil', 'Fatima', 'Goran', 'Hana', 'Ivo', 'Jing Li'];

  let socket, seq = 0;
  const doc = {};
  const agent = (n, more) => ({ ...golden.agent, user: `agent${pad(n)}`, name: `${names[n % names.length]} ${pad(n)}`, state: states[n % states.length],
    reason: states[n % states.length] === 'away' ? 'Lunch' : '', since: at(3 * n), contact: '', queue: states[n % states.length] === 'talking' ? queueOf(n) : '', queues: [queueOf(n), queueOf(n + 1)], ...more });
  const caller = (n, more) => ({ ...golden.floor, contact: `c${pad(n, 5)}`, from: `1${30 + n % 60}****${pad(n, 4)}`, stage: 'queue', agent: '', queue: queueOf(n),
    started: at(400 - n), since: at(380 - n), second: null, recording: 'off', quality: null, listeners: [], coach: null, trouble: '', ...more });
  for (let n = 0; n < AGENTS; n++) {
    const a = agent(n);
    doc[`agent/${a.user}`] = a;
    if (a.state !== 'talking') continue;
    const contact = `t${pad(n, 5)}`;
    a.contact = contact;
    doc[`floor/${contact}`] = caller(n, { contact, stage: 'talking', agent: a.user, started: at(900 - n), since: at(300 + n % 60), quality: golden.floor.quality, recording: 'on' });
  }
  for (let n = 0; n < WAITING; n++) doc[`floor/c${pad(n, 5)}`] = caller(n);
  doc.me = { ...golden.me, user: 'sam', name: 'Sam', role: 'supervisor', state: 'offline', next: '', queues: [] };
  const waits = WAITING / QUEUES;
  for (let q = 0; q < QUEUES; q++) {
    doc[`queue/queue${q}`] = { ...golden.queue, id: `queue${q}`, name: `Queue ${q + 1}`, waiting: waits, longest_since: at(q === 0 ? 190 : 20 + q), available: q, staffed: 62, talking: 31, answered: 410 + 7 * q, answered_in: 300 + 11 * q, abandoned: 12, door: '' };
  }

  const say = (m) => socket?.onmessage?.({ data: JSON.stringify(m) });
  const put = (key, value) => {
    if (value === null) delete doc[key];
    else doc[key] = value;
    say({ type: 'change', seq: ++seq, key, value });
  };
  const take = {
    hello() {
      say({ ...golden.welcome, user: 'sam', role: 'supervisor', now: new Date().toISOString(), ice_servers: [] });
      say({ type: 'snapshot', seq, doc });
      say({ type: 'tab', phone: true });
    },
    ping({ id }) { say({ type: 'pong', id }); },
    do(m) { say({ type: 'result', req: m.req }); },
  };
  const Real = window.WebSocket;
  window.WebSocket = class extends EventTarget {
    constructor(url) {
      if (!String(url).includes('/api/v1/seat')) return new Real(url);
      super();
      socket = this;
      setTimeout(() => this.onopen?.());
    }
    send(text) {
      const m = JSON.parse(text);
      setTimeout(() => take[m.type]?.(m)); // as a message comes: a task of its own
    }
    close() { if (socket === this) socket = null; }
  };

  // What the page does.
  const seen = { shifts: [], long: [], refused: [] };
  document.addEventListener('securitypolicyviolation', (e) => seen.refused.push(`${e.violatedDirective} ${e.blockedURI}`));
  // Below a thousandth it is a letter by a pixel, which nobody sees; rows close up where a call in sight has ended.
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput && e.value >= 0.001 && e.sources.some((s) => s.node?.nodeName !== 'TR')) seen.shifts.push(`${e.value.toFixed(4)} of ${e.sources.map((s) => `${s.node?.nodeName} ${s.node?.className ?? ''}`.slice(0, 60)).join(', ')}`); }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => { for (const e of list.getEntries()) seen.long.push(Math.round(e.duration)); }).observe({ type: 'longtask', buffered: true });

  // task waits for a task of its own, as each message of a socket has one.
  const channel = new MessageChannel();
  const turns = [];
  channel.port1.onmessage = () => turns.shift()?.();
  const task = () => new Promise((done) => { turns.push(done); channel.port2.postMessage(0); });
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

  let changes = 0;
  const one = () => {
    const n = changes++;
    switch (n % 4) {
      case 0: return put(`agent/agent${pad(n % AGENTS)}`, agent(n % AGENTS, { state: states[(n >> 2) % states.length], since: new Date().toISOString() }));
      case 1: return put(`queue/queue${n % QUEUES}`, { ...doc[`queue/queue${n % QUEUES}`], waiting: 20 + n % 11 });
      case 2: return put(`floor/c${pad(n % WAITING, 5)}`, null);
      default: return put(`floor/c${pad((n - 1) % WAITING, 5)}`, caller((n - 1) % WAITING));
    }
  };
  const hangUps = (key) => put(`floor/${key}`, null);

  let stream;
  window.floor = {
    seen,
    hangUps,
    // burst sends n changes, each in a task of its own, and counts how often the page was drawn meanwhile.
    async burst(n) {
      let frames = 0, going = true, renders = 0, touched = 0;
      const count = () => { frames++; if (going) requestAnimationFrame(count); };
      requestAnimationFrame(count);
      const watch = new MutationObserver((list) => { renders++; touched += list.length; });
      watch.observe(document.querySelector('#main'), { subtree: true, childList: true, characterData: true, attributes: true });
      for (let i = 0; i < n; i++) { one(); await task(); }
      await frame();
      going = false;
      watch.disconnect();
      return { changes: n, frames, renders, touched };
    },
    // agentChange is one change of one agent who is in sight: what of the page it touches.
    async agentChange() {
      const row = document.querySelector('tr[data-agent]');
      await frame();
      const kinds = [];
      const watch = new MutationObserver((list) => { for (const m of list) if (!(m.type === 'characterData')) kinds.push(m.type); });
      watch.observe(row.closest('[data-grid]'), { subtree: true, childList: true, attributes: true, characterData: true });
      const was = doc[`agent/${row.dataset.agent}`];
      put(`agent/${was.user}`, { ...was, state: was.state === 'wrap_up' ? 'available' : 'wrap_up', since: new Date().toISOString() });
      while (row.dataset.state === was.state) await frame();
      await frame();
      watch.disconnect();
      return kinds.length;
    },
    rows: () => document.querySelectorAll('[data-grid] tr[data-key]').length,
    counts: () => [...document.querySelectorAll('[role="grid"]')].map((g) => Number(g.getAttribute('aria-rowcount')) - 1),
    tabStops: () => document.querySelectorAll('[data-grid] tbody [tabindex="0"]').length,
    focus: () => document.activeElement?.closest?.('tr')?.dataset.key ?? document.activeElement?.tagName,
    stream(on) { clearInterval(stream); if (on) stream = setInterval(() => { for (let i = 0; i < 5; i++) one(); }, 50); },
  };
})();
