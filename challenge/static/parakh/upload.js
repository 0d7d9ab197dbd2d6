/* Sends a file in pieces, so that a lost connection, a reload or a restart of the site costs one piece at most.

   The offset is the server's to say: before each try it is asked, and nothing is remembered here. Each piece carries its
   checksum where the browser can make one (on https, and on this machine). Without this script the form works as it is. */
"use strict";

const PIECE = 8 * 1024 * 1024;
const BEGINNING = 1024 * 1024;
const PATIENCE_SECONDS = [1, 2, 4, 8, 15, 30];

/** The upload can't go on by itself; the message says what the person can do. `ended`: the site has dropped it. */
class Stop extends Error {
  constructor(message, ended = false) {
    super(message);
    this.ended = ended;
  }
}

/** It can after a while. */
class Wait extends Error {
  constructor(message, seconds) {
    super(message);
    this.seconds = seconds;
  }
}

class Paused extends Error {}

const size = (count) => {
  for (const [unit, bytes] of [["GiB", 1024 ** 3], ["MiB", 1024 ** 2], ["KiB", 1024]]) {
    if (count >= bytes) return `${(count / bytes).toFixed(count / bytes >= 100 ? 0 : 1)} ${unit}`;
  }
  return `${count} B`;
};

const span = (seconds) => {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
};

const digest = async (blob) => {
  if (!window.crypto?.subtle) return null;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
};

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What a person sees of an upload, inside its form. */
class Panel {
  constructor(form) {
    this.root = form.querySelector(".upload");
    this.now = this.root.querySelector(".upload-now");
    this.rest = this.root.querySelector(".upload-rest");
    this.bar = this.root.querySelector("progress");
    this.trouble = this.root.querySelector(".upload-trouble");
    this.status = this.root.querySelector("[role=status]");
    this.button = this.root.querySelector(".upload-pause");
  }

  say(text) {
    this.root.hidden = false;
    this.now.textContent = text;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  warn(text) {
    this.root.hidden = false;
    this.trouble.hidden = !text;
    this.trouble.textContent = text;
  }
}

class Upload {
  constructor(file, url, token, panel) {
    Object.assign(this, { file, url, token, panel, tries: 0, isPaused: false, request: null, wake: null });
    this.seen = [];
  }

  /** Until every byte is there. Throws Stop. */
  async run() {
    this.panel.button.onclick = () => this.toggle();
    for (;;) {
      try {
        await this.rounds();
        return;
      } catch (error) {
        if (error instanceof Stop) throw error;
        await this.pause(error);
      }
    }
  }

  async rounds() {
    let offset = await this.offset();
    do {
      if (this.isPaused) throw new Paused();
      this.show(offset, 0);
      offset = await this.send(offset);
      this.tries = 0;
      this.panel.warn("");
    } while (offset < this.file.size);
  }

  /** Waits: for the button, or for the time a failure asks for. */
  async pause(error) {
    this.seen = [];
    this.panel.rest.textContent = "";
    if (this.isPaused) {
      this.panel.say("Paused. What has arrived is kept for some hours.");
      await new Promise((resolve) => (this.wake = resolve));
      return;
    }
    const seconds = error.seconds ?? PATIENCE_SECONDS[Math.min(this.tries, PATIENCE_SECONDS.length - 1)];
    this.tries += 1;
    this.panel.warn(`${error instanceof Wait ? error.message : "The connection broke."} Trying again in ${span(seconds)}.`);
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }

  toggle() {
    this.isPaused = !this.isPaused;
    this.panel.button.textContent = this.isPaused ? "Go on" : "Pause";
    if (this.isPaused) this.request?.abort();
    this.wake?.();
  }

  async offset() {
    const answer = await fetch(this.url, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw this.failure(answer.status, "", answer.headers.get("Retry-After"));
    return Number(answer.headers.get("Upload-Offset"));
  }

  /** One piece from there on; the offset behind it. */
  async send(offset) {
    const piece = this.file.slice(offset, offset + PIECE);
    const headers = {
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(offset),
      "X-CSRFToken": this.token,
    };
    let checksum;
    try {
      checksum = await digest(piece);
    } catch {
      throw new Stop("The file can't be read any more: it was changed or moved. Reload this page, discard the upload and begin again.");
    }
    if (checksum) headers["Upload-Checksum"] = `sha256 ${btoa(String.fromCharCode(...checksum))}`;
    const answer = await this.patch(piece, headers, offset);
    const told = answer.getResponseHeader("Upload-Offset");
    if (answer.status === 204 || (answer.status === 409 && told !== null)) return Number(told);
    throw this.failure(answer.status, answer.responseText, answer.getResponseHeader("Retry-After"));
  }

  patch(piece, headers, offset) {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("PATCH", this.url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => this.show(offset, event.loaded);
      request.onload = () => resolve(request);
      request.onerror = () => reject(new Error());
      request.onabort = () => reject(new Paused());
      request.send(piece);
    });
  }

  failure(status, body, retryAfter) {
    let detail = "";
    try {
      detail = JSON.parse(body).detail;
    } catch {
      /* Not ours: a proxy's page. */
    }
    if (status === 401 || status === 403) {
      return new Stop("You are logged out. Log in, open this page again and choose the same file: it goes on from here.");
    }
    if (status === 404 || status === 410) return new Stop("This upload was cancelled or given up. Begin again.", true);
    if (status === 460) return new Wait("A piece arrived damaged.", 1);
    if (status === 429) return new Wait("You are sending very fast.", Number(retryAfter) || 10);
    if (status >= 500) return new Wait(detail || "The site does not answer.", Number(retryAfter) || undefined);
    return new Stop(detail || `The site refused the file (${status}).`, true);
  }

  show(offset, loaded) {
    const total = this.file.size;
    const done = Math.min(offset + loaded, total);
    this.panel.bar.max = total;
    this.panel.bar.value = done;
    if (done === total) {
      this.panel.say("All is sent. The site checks the file.");
      this.panel.rest.textContent = "";
      return;
    }
    this.panel.say(`Uploading “${this.file.name}”`);
    const now = performance.now();
    this.seen = [...this.seen.filter(([at]) => now - at < 10_000), [now, done]];
    const [since, before] = this.seen[0];
    const rate = ((done - before) / (now - since)) * 1000;
    const left = rate > 0 && now - since > 1000 ? `, ${size(rate)}/s, ${span((total - done) / rate)} left` : "";
    this.panel.rest.textContent = `${size(done)} of ${size(total)}${left}`;
  }
}

/** Shows what is wrong beside the fields, as the server does. */
const showErrors = (form, errors) => {
  for (const [name, problems] of Object.entries(errors)) {
    const control = form.elements[name];
    const field = control && (control[0] ?? control).closest(".field");
    const list = document.createElement("ul");
    list.className = "errorlist";
    list.setAttribute("role", "alert");
    for (const problem of problems) list.appendChild(document.createElement("li")).textContent = problem;
    if (field) field.append(list);
    else form.prepend(list);
  }
};

const clearErrors = (form) => {
  for (const list of form.parentElement.querySelectorAll(".errorlist, .notice.bad[role=alert]:not(.upload-trouble)")) list.remove();
};

const lock = (form, isLocked) => {
  for (const control of form.querySelectorAll("input:not([type=hidden]), select, textarea, button:not(.upload-pause)")) control.disabled = isLocked;
};

/** Takes a place for the file. The addresses of the upload and of its page; null if the form shows what is wrong. */
const begin = async (form, file) => {
  const fields = new FormData(form);
  fields.delete("file");
  fields.set("file_name", file.name);
  fields.set("size", file.size);
  let answer;
  try {
    answer = await fetch(form.dataset.begin, { method: "POST", body: fields, credentials: "same-origin" });
  } catch {
    showErrors(form, { "": ["The site does not answer. Look at your connection and try again."] });
    return null;
  }
  const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
  if (answer.status === 201) return told;
  showErrors(form, told.errors ?? { "": ["You are logged out, or the site could not answer. Reload the page and try again."] });
  return null;
};

/** Why this file is not the one that is waited for; empty if it is. */
const differs = async (form, file) => {
  const { name, upload } = form.dataset;
  const total = Number(form.dataset.size);
  if (file.name !== name || file.size !== total) {
    return `This is “${file.name}” with ${size(file.size)}. The upload that waits is “${name}” with ${size(total)}: choose that file, or discard the upload.`;
  }
  const answer = await fetch(upload, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) return "";
  const { beginning } = await answer.json();
  const found = await digest(file.slice(0, Math.min(beginning.bytes, BEGINNING)));
  if (!found || hex(found) === beginning.sha256) return "";
  return `This file has the same name and size, but begins differently: it has changed since. Discard the upload and begin again.`;
};

const carryOut = async (form, places) => {
  const panel = new Panel(form);
  const token = form.elements.csrfmiddlewaretoken.value;
  panel.button.hidden = false;
  try {
    await new Upload(form.elements.file.files[0], places.upload, token, panel).run();
    location.assign(places.page);
  } catch (error) {
    panel.warn(error.message || "Something went wrong in this page. Reload it: the upload goes on from where it is.");
    panel.now.textContent = "Stopped.";
    panel.rest.textContent = "";
    panel.button.hidden = true;
    if (error.ended) lock(form, false); // Else a second try would begin a second upload: the page is to be reloaded.
  }
};

const submitForm = document.getElementById("submit-form");
submitForm?.addEventListener("submit", async (event) => {
  const file = submitForm.elements.file.files[0];
  if (!file) return;
  event.preventDefault();
  clearErrors(submitForm);
  new Panel(submitForm).warn("");
  lock(submitForm, false);
  const wanted = begin(submitForm, file);
  lock(submitForm, true);
  const places = await wanted;
  if (places) carryOut(submitForm, places);
  else lock(submitForm, false);
});

for (const form of document.querySelectorAll("form.resume")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const panel = new Panel(form);
    panel.warn("");
    let problem;
    try {
      problem = await differs(form, form.elements.file.files[0]);
    } catch {
      problem = "The site does not answer. Look at your connection and try again.";
    }
    if (problem) {
      panel.warn(problem);
      panel.button.hidden = true;
      return;
    }
    lock(form, true);
    carryOut(form, form.dataset);
  });
}
