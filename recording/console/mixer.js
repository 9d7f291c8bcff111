/** Who is heard: the channels of unmixed audio, each with its own gain, mixed down to the middle. */

import { h } from "./dom.js";

const FLOOR = 0.02;

/**
 * Mix the channels of a media element. Built at the first sound, because browsers want a click before it.
 * @param {HTMLMediaElement} media
 * @param {number} channels
 */
export function mixerOf(media, channels) {
  const muted = new Set();
  const solo = new Set();
  /** @type {AudioContext | null} */
  let context = null;
  let gains = [];
  let ears = [];

  const isHeard = (channel) => (solo.size ? solo.has(channel) : !muted.has(channel));

  function build() {
    context = new AudioContext();
    const source = context.createMediaElementSource(media);
    source.channelCountMode = "max";
    const splitter = context.createChannelSplitter(channels);
    source.connect(splitter);
    gains = Array.from({ length: channels }, (_, channel) => {
      const gain = context.createGain();
      const ear = context.createAnalyser();
      ear.fftSize = 512;
      splitter.connect(gain, channel);
      splitter.connect(ear, channel);
      ears[channel] = ear;
      gain.connect(context.destination);
      return gain;
    });
    apply();
  }

  function apply() {
    gains.forEach((gain, channel) => {
      gain.gain.value = isHeard(channel) ? 1 : 0;
    });
  }

  return {
    isHeard,
    /** Begin to mix; to be called when the reader wants to hear something. */
    wake() {
      if (!context) build();
      return context.resume();
    },
    /** Return which channels sound just now. */
    speaking() {
      const samples = new Float32Array(512);
      return ears.map((ear) => {
        ear.getFloatTimeDomainData(samples);
        return samples.some((sample) => Math.abs(sample) > FLOOR);
      });
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
      context?.close();
    },
  };
}
