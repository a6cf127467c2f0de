// Sounds made here, without a file. Browsers give none before the first touch; the button says so until then.
const REPEAT_MS = 6000;

export class Sound {
  constructor(onChange) {
    this.onChange = onChange;
    this.context = null;
    this.isMuted = localStorage.getItem("agiza.kitchen.muted") === "yes";
    this.alarmTimer = 0;
    this.isFirstTouch = false;
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.unlock(), { capture: true });
  }

  /** off (before the first touch), muted, on, none (this device has no sound). */
  get state() {
    if (!window.AudioContext) return "none";
    if (this.isMuted) return "muted";
    return this.context && this.context.state === "running" ? "on" : "off";
  }

  unlock() {
    this.isFirstTouch = this.state === "off";
    if (!window.AudioContext || this.state === "on") return;
    this.context ||= new AudioContext();
    this.context.onstatechange = () => this.onChange();
    this.context.resume().then(() => this.onChange(), () => {});
  }

  /** Mute or not; the touch that switched the sound on does not mute it. */
  toggle() {
    if (this.isFirstTouch) return;
    this.isMuted = !this.isMuted;
    localStorage.setItem("agiza.kitchen.muted", this.isMuted ? "yes" : "no");
    this.onChange();
  }

  ticket() {
    this.#tones([[660, 0, 0.14], [880, 0.16, 0.22]], 0.25);
  }

  /** Loud, and again and again, until it is called with false. */
  alarm(isOn) {
    if (isOn === Boolean(this.alarmTimer)) return;
    clearInterval(this.alarmTimer);
    this.alarmTimer = 0;
    if (!isOn) return;
    const ring = () => this.#tones([0, 0.3, 0.6, 0.9].map((at) => [at % 0.6 ? 740 : 988, at, 0.22]), 0.9);
    ring();
    this.alarmTimer = setInterval(ring, REPEAT_MS);
  }

  #tones(tones, loudness) {
    if (this.state !== "on") return;
    for (const [hertz, after, length] of tones) {
      const from = this.context.currentTime + after;
      const tone = this.context.createOscillator();
      const gain = this.context.createGain();
      tone.type = loudness > 0.5 ? "square" : "triangle";
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(loudness, from + 0.02);
      gain.gain.linearRampToValueAtTime(0, from + length);
      tone.connect(gain).connect(this.context.destination);
      tone.start(from);
      tone.stop(from + length);
    }
  }
}
