/** Who is heard: the channels of unmixed audio, each with its own gain, mixed down to the middle. */

import { h } from "./dom.js";

const FLOOR = 0.02;
const DRIFT = 0.08; // seconds by which a speaker's own file may be away from the others
const ENOUGH = 40; // frames of speech without a sound after which a browser is taken to mix the channels down

/**
 * Mix the channels of a media element. Built at the first sound, because browsers want a click before it.
 *
 * Where the browser does not give all channels of one file, each speaker is played from a file of their own: the first
 * by the element itself, the others by elements that follow it.
 * @param {HTMLMediaElement} media
 * @param {number} channels
 */
export function mixerOf(media, channels) {
  const muted = new Set();
  const solo = new Set();
  const counts = Array.from({ length: channels }, () => ({ heard: 0, deaf: 0 }));
  /** @type {AudioContext | null} */
  let context = null;
  let source = null;
  let gains = [];
  let ears = [];
  /** @type {HTMLMediaElement[]} */
  let others = [];

  const isHeard = (channel) => (solo.size ? solo.has(channel) : !muted.has(channel));

  function build() {
    context = new AudioContext();
    source = context.createMediaElementSource(media);
    source.channelCountMode = "max";
    gains = Array.from({ length: channels }, () => context.createGain());
    ears = gains.map(() => new AnalyserNode(context, { fftSize: 512 }));
    for (const gain of gains) gain.connect(context.destination);
    connect();
    apply();
  }

  function connect() {
    source.disconnect();
    if (others.length) {
      [source, ...others.map((one) => context.createMediaElementSource(one))].forEach((one, channel) => {
        one.connect(gains[channel]);
        one.connect(ears[channel]);
      });
      return;
    }
    const splitter = context.createChannelSplitter(channels);
    source.connect(splitter);
    gains.forEach((gain, channel) => {
      splitter.connect(gain, channel);
      splitter.connect(ears[channel], channel);
    });
  }

  function apply() {
    gains.forEach((gain, channel) => {
      gain.gain.value = isHeard(channel) ? 1 : 0;
    });
  }

  /** Keep the others where the first one is. */
  function follow() {
    for (const one of others) {
      if (one.readyState && Math.abs(one.currentTime - media.currentTime) > DRIFT) one.currentTime = media.currentTime;
      one.playbackRate = media.playbackRate;
      one.volume = media.volume;
      if (media.paused !== one.paused) media.paused ? one.pause() : one.play().catch(() => {});
    }
  }

  return {
    isHeard,
    get isApart() {
      return others.length > 0;
    },
    /** Begin to mix; to be called when the reader wants to hear something. */
    wake() {
      if (!context) build();
      context.resume().catch(() => {}); // closed meanwhile
    },
    /** From now on, play each speaker from a file of their own. */
    split() {
      others = Array.from({ length: channels - 1 }, () => h("audio", { preload: "auto" }));
      for (const name of ["play", "pause", "seeked", "timeupdate", "ratechange", "volumechange", "playing"]) media.addEventListener(name, follow);
      if (context) connect();
    },
    /**
     * Give the others their files.
     * @param {(channel: number) => string} addressOf
     */
    load(addressOf) {
      others.forEach((one, at) => {
        one.src = addressOf(at + 1);
      });
    },
    /** Return which channels sound just now. */
    speaking() {
      const samples = new Float32Array(512);
      return ears.map((ear) => {
        ear.getFloatTimeDomainData(samples);
        return samples.some((sample) => Math.abs(sample) > FLOOR);
      });
    },
    /**
     * Return whether some channel is never heard where its waveform says that it speaks, while another one is.
     * @param {boolean[]} sounds what sounds
     * @param {boolean[]} should what the waveform says
     */
    isDeaf(sounds, should) {
      counts.forEach((count, channel) => {
        if (sounds[channel]) count.heard += 1;
        else if (should[channel]) count.deaf += 1;
      });
      return !others.length && counts.some((one) => one.heard) && counts.some((one) => !one.heard && one.deaf > ENOUGH);
    },
    /** Return the two buttons of a channel. */
    buttons(channel, name, changed) {
      const make = (set, letter, what) => {
        const button = h(
          "button",
          {
            type: "button",
            class: "toggle",
            "aria-pressed": "false",
            "aria-label": `${what} ${name}`,
            title: `${what} ${name}`,
            onclick: () => {
              if (!set.delete(channel)) set.add(channel);
              button.setAttribute("aria-pressed", String(set.has(channel)));
              apply();
              changed();
            },
          },
          letter,
        );
        return button;
      };
      return [make(muted, "M", "Mute"), make(solo, "S", "Solo")];
    },
    stop() {
      for (const one of others) {
        one.pause();
        one.removeAttribute("src");
        one.load();
      }
      context?.close();
    },
  };
}
