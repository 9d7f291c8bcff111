"""What is heard: real files of each format play, seek and go on, and the right speaker sounds."""

import pytest
from playwright.sync_api import Page, expect

from dev.console.day import CALLS
from dev.console.server import ConsoleServer
from dev.media.sound import voices
from tests.console.conftest import Visit
from tests.console.keyboard import until

PLAYED = """(() => {
  const { played } = document.querySelector(".player audio, .player video");
  const lengths = Array.from({ length: played.length }, (_, n) => played.end(n) - played.start(n));
  return lengths.reduce((all, one) => all + one, 0);
})()"""
AT = "document.querySelector('audio, video').currentTime"
LOUDEST = """async () => {
  const analyser = window.heard;
  const sums = new Float64Array(analyser.frequencyBinCount);
  const values = new Float32Array(analyser.frequencyBinCount);
  for (let n = 0; n < 40; n += 1) {
    analyser.getFloatFrequencyData(values);
    values.forEach((value, at) => { sums[at] += Number.isFinite(value) ? 10 ** (value / 20) : 0; });
    await new Promise((done) => setTimeout(done, 25));
  }
  let best = 0;
  sums.forEach((value, at) => { if (at > 3 && value > sums[best]) best = at; });
  return [best * analyser.context.sampleRate / analyser.fftSize, sums[best] / 40];
}"""
# Stands beside the loudspeaker: whatever is connected to it is also connected to an analyser.
EAR = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    window.heard ??= new AnalyserNode(this.context, { fftSize: 4096, smoothingTimeConstant: 0 });
    connect.call(this, window.heard);
  }
  return connect.call(this, to, ...rest);
};
"""


def shown(page: Page, server: ConsoleServer, name: str, query: str = "") -> None:
    page.goto(f"{server.url}#/recording/{server.day.ids[name]}{query}")
    expect(page.get_by_role("region", name="Player")).to_be_visible()


@pytest.mark.parametrize("name", ["wav", "mp3", "mp4", "five"])
def test_each_format_plays_and_seeks(name: str, visits: Visit, server: ConsoleServer) -> None:
    """As ACS writes them: mono wav and mp3, H.264 with AAC, five channels."""
    with visits() as page:
        shown(page, server, name)
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, f"{AT} > 0.3")
        page.keyboard.press("l")
        until(page, f"{AT} > 10")
        before = page.evaluate(AT)
        until(page, f"{AT} > {before} + 0.2")


def test_the_address_says_the_second(visits: Visit, server: ConsoleServer) -> None:
    """Also as 1:10, also when it changes while the page is open."""
    with visits() as page:
        shown(page, server, "mp3", "?t=1:10")
        expect(page.get_by_text("1:10 / 1:36")).to_be_visible()
        page.goto(f"{server.url}#/recording/{server.day.ids['mp3']}?t=20")
        expect(page.get_by_text("0:20 / 1:36")).to_be_visible()


def test_chunks_are_one_line_and_go_over_into_each_other(visits: Visit, server: ConsoleServer) -> None:
    """Sixty seconds of chunk 0, then chunk 1; the gap where chunk 2 is missing is jumped over."""
    with visits() as page:
        shown(page, server, "long", "?t=58")
        expect(page.get_by_text("0:58 / 2:45")).to_be_visible()
        page.get_by_label("Speed").select_option("3")
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.locator(".player")).to_have_attribute("data-chunk", "1")
        page.goto(f"{server.url}#/recording/{server.day.ids['long']}?t=104")
        expect(page.locator(".player")).to_have_attribute("data-chunk", "3", timeout=10_000)


@pytest.mark.parametrize(("name", "lane"), [("unmixed", 0), ("unmixed", 2), ("five", 4)])
def test_solo_lets_one_speaker_be_heard(name: str, lane: int, visits: Visit, server: ConsoleServer) -> None:
    """Each voice has its own pitch: what sounds is the speaker's, and muted it is silent."""
    spec = next(call for call in CALLS if call.name == name).parts[0].spec
    voice = voices(spec)[lane]
    second = next(at for at in range(20) if voice.speaks[at])
    with visits() as page:
        page.add_init_script(EAR)
        shown(page, server, name, f"?t={second}")
        row = page.locator(f".lane-{lane}")
        row.get_by_role("button", name="Solo").click()
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, f"{AT} > {second} + 0.05")
        pitch, loudness = page.evaluate(LOUDEST)
        assert abs(pitch - voice.pitch_hz) < 9, f"{pitch} Hz is not the voice of {voice.pitch_hz} Hz"
        row.get_by_role("button", name="Solo").click()
        row.get_by_role("button", name="Mute").click()
        page.get_by_label("Position").evaluate(
            "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }", second
        )
        until(page, f"{AT} > {second} + 0.05 && {AT} < {second} + 1")
        muted_pitch, quiet = page.evaluate(LOUDEST)
        assert abs(muted_pitch - voice.pitch_hz) > 9 or quiet < loudness / 4


DOWNMIXED = """
const create = AudioContext.prototype.createMediaElementSource;
AudioContext.prototype.createMediaElementSource = function (media) {
  const source = create.call(this, media);
  if (!media.isConnected) return source;
  const one = new GainNode(this, { channelCount: 1, channelCountMode: "explicit" });
  const connect = source.connect.bind(source);
  const real = source.disconnect.bind(source);
  connect(one);
  source.connect = (to) => one.connect(to);
  source.disconnect = () => one.disconnect();
  return source;
};
"""
REFUSED = """
const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
Object.defineProperty(HTMLMediaElement.prototype, "src", {
  ...src,
  set(url) { src.set.call(this, String(url).endsWith("/media") ? "data:audio/wav;base64,AAAA" : url); },
});
"""


@pytest.mark.parametrize("browser_fault", [DOWNMIXED, REFUSED], ids=["mixes down", "plays no five channels"])
def test_a_browser_that_gives_no_five_channels_gets_a_file_for_each_speaker(
    browser_fault: str, visits: Visit, server: ConsoleServer
) -> None:
    """Noticed by itself; muting, soloing, seeking and pausing go on, and the right voice sounds."""
    spec = next(call for call in CALLS if call.name == "five").parts[0].spec
    lane = 3
    voice = voices(spec)[lane]
    second = next(at for at in range(20) if voice.speaks[at])
    with visits() as page:
        page.add_init_script(EAR)
        page.add_init_script(browser_fault)
        shown(page, server, "five")
        expect(page.locator(".player.drawn")).to_be_visible()
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.get_by_text("each is fetched as a file of their own")).to_be_visible()
        until(page, f"{AT} > 0.1 && !document.querySelector('audio').paused")
        page.locator(f".lane-{lane}").get_by_role("button", name="Solo").click()
        go_to = "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }"
        page.get_by_label("Position").evaluate(go_to, second)
        until(page, f"{AT} > {second} + 0.1 && {AT} < {second} + 1")
        pitch, _ = page.evaluate(LOUDEST)
        assert abs(pitch - voice.pitch_hz) < 9, f"{pitch} Hz is not the voice of {voice.pitch_hz} Hz"
        page.get_by_role("button", name="Pause", exact=True).click()
        until(page, "document.querySelector('audio').paused")
    asked = {target.rpartition("/")[2] for _, target, _ in server.seen if "/channels/" in target}
    assert asked == {"0", "1", "2", "3", "4"}
    parts = {row.part for row in server.day.world.fakes.audit.written if row.part and "channel 3" in row.part}
    assert parts == {"chunk 0 channel 3, 0-20 s"}


def test_silence_is_skipped(visits: Visit, server: ConsoleServer) -> None:
    """With one speaker alone, the turns of the others are silence."""
    with visits() as page:
        shown(page, server, "unmixed")
        expect(page.locator(".player.drawn")).to_be_visible()
        page.get_by_label("Skip silence").check()
        page.locator(".lane-2").get_by_role("button", name="Solo").click()
        page.get_by_role("button", name="Play", exact=True).click()
        until(page, f"{AT} > 9")
        at, played = page.evaluate(f"[{AT}, {PLAYED}]")
        assert played < at - 1, "what was passed over was not played, however slow the machine is"


def test_a_second_tab_that_plays_silences_the_first(visits: Visit, server: ConsoleServer) -> None:
    """Two recordings at once are none."""
    with visits() as first:
        shown(first, server, "mp3")
        first.get_by_role("button", name="Play", exact=True).click()
        until(first, f"{AT} > 0.1")
        second = first.context.new_page()
        shown(second, server, "wav")
        second.get_by_role("button", name="Play", exact=True).click()
        until(first, "document.querySelector('audio').paused")
        until(second, f"{AT} > 0.1")


WAITING = """
window.waiting = new Set();
const ask = window.requestAnimationFrame.bind(window);
const cancel = window.cancelAnimationFrame.bind(window);
window.requestAnimationFrame = (call) => {
  const id = ask((at) => { window.waiting.delete(id); call(at); });
  window.waiting.add(id);
  return id;
};
window.cancelAnimationFrame = (id) => { window.waiting.delete(id); cancel(id); };
"""


def test_many_jumps_leave_one_clock_running(visits: Visit, server: ConsoleServer) -> None:
    """Each jump begins to play anew; the line is still moved once for each picture."""
    go_to = "(it, at) => { it.value = at; it.dispatchEvent(new Event('input')); }"
    with visits() as page:
        page.add_init_script(WAITING)
        shown(page, server, "mp3")
        page.get_by_role("button", name="Play", exact=True).click()
        for second in (10, 30, 20, 50, 40, 70, 60, 80):
            page.get_by_label("Position").evaluate(go_to, second)
            until(page, f"{AT} > {second} + 0.05 && {AT} < {second} + 5")
        assert page.evaluate("window.waiting.size") <= 1
