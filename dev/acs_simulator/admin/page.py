"""The page at `/`: how to connect, calls, recordings, objects, the journal, a button for each of the usual faults."""

from collections.abc import Callable, Mapping
from html import escape

from aiohttp import web

BUTTONS = (
    ("503 on the next download", "content", "status", "{}"),
    ("next download is cut", "content", "cut", "{}"),
    ("next download has 0 bytes", "content", "zero_bytes", "{}"),
    ("block page for a minute", "content", "wrong_body", "{}"),
    ("metadata drips", "metadata", "drip_body", '{"every_seconds": 1}'),
    ("next delete keeps the object", "delete", "keep_object", "{}"),
    ("next event is lost", "event", "lose", "{}"),
    ("next event comes twice", "event", "duplicate", "{}"),
    ("next event has an odd time", "event", "odd_time", "{}"),
)
"""Text, operation, kind, arguments."""

_TABLES = {
    "calls": ("callId", "platform", "participants", "establishedAt", "endedAt"),
    "recordings": ("recordingId", "callId", "content", "channel", "format", "state", "startedAt", "endedAt"),
    "objects": ("documentId", "index", "format", "durationMs", "lengthBytes", "expiresAt", "deletedAt"),
    "faults": ("kind", "operation", "left", "struck"),
    "journal": ("at", "host", "method", "operation", "documentId", "status", "bytesSent", "fault"),
}


class Page:
    """Serves the page; everything on it comes from the admin API.

    Args:
        recipes: how to reach this simulator, by language.
    """

    def __init__(self, recipes: Callable[[], Mapping[str, str]]) -> None:
        self._recipes = recipes

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.get("/", self.show)]

    async def show(self, _: web.Request) -> web.Response:
        """GET /: the page."""
        return web.Response(text=_page(self._recipes()), content_type="text/html", charset="utf-8")


def _page(recipes: Mapping[str, str]) -> str:
    connect = "".join(
        f"<details{' open' if language == 'shell' else ''}><summary>{language}</summary>"
        f"<pre>{escape(recipe)}</pre></details>"
        for language, recipe in recipes.items()
    )
    buttons = "".join(
        f"<button data-o='{operation}' data-k='{kind}' data-a='{arguments}'>{text}</button>"
        for text, operation, kind, arguments in BUTTONS
    )
    tables = "".join(
        f"<h2>{name}</h2><div class='scroll'><table id='{name}' data-c='{','.join(columns)}'><thead><tr>"
        + "".join(f"<th>{column}</th>" for column in columns)
        + "</tr></thead><tbody></tbody></table></div>"
        for name, columns in _TABLES.items()
    )
    page = _HTML.replace("<!--buttons-->", buttons).replace("<!--tables-->", tables)
    return page.replace("<!--connect-->", connect)


_HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>ACS simulator</title><link rel="icon" href="data:,"><style>
:root{color-scheme:light dark}
body{font:14px system-ui,sans-serif;margin:1.5rem auto;max-width:90rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1rem;margin:1.2rem 0 .2rem}small{font-weight:normal;opacity:.75}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8886;max-width:16rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}th{font-weight:600;opacity:.75}
td[colspan]{opacity:.75}button{margin:.15rem .15rem .15rem 0;padding:.2rem .6rem}
pre{overflow-x:auto;padding:.6rem;border:1px solid #8886;margin:.3rem 0}summary{cursor:pointer}
#said:empty{display:none}#said{padding:.4rem .6rem;border:2px solid #c33}
</style></head><body><h1>ACS simulator <small>its clock: <span id="now"></span></small></h1>
<p>One Azure Communication Services resource on this machine, as far as call recording goes. Microsoft's SDKs work
against it unmodified; ids that are shortened here are whole when you point at them.</p>
<p id="said" role="alert"></p>
<h2>connect</h2><!--connect-->
<h2>let something happen</h2>
<p><button id="call">begin a call of two</button><button id="make">make a recording's file, announced</button>
<button id="seconds">ten seconds pass</button><button id="hour">an hour passes</button></p>
<h2>let something go wrong</h2>
<p><!--buttons--><button id="clear">forget all faults</button></p><!--tables-->
<script>
const base="/_simulator/",said=document.getElementById("said");
const send=async(path,body,method="POST")=>{
  const answer=await fetch(base+path,{method,body:body&&JSON.stringify(body)});
  said.textContent=answer.ok?"":(await answer.json()).error;
  await show();
};
const text=value=>value===null||value===undefined?"":Array.isArray(value)?value.map(one=>one.displayName).join(", "):
  /^\\d{4}-\\d\\d-\\d\\dT/.test(value)?value.slice(0,19).replace("T"," "):String(value);
async function show(){
  try{
    document.getElementById("now").textContent=text((await (await fetch(base+"clock")).json()).now)+" UTC";
    for(const table of document.querySelectorAll("table")){
      const rows=(await (await fetch(base+table.id)).json()).slice(-50).reverse(),columns=table.dataset.c.split(",");
      const lines=rows.map(row=>{
        const line=document.createElement("tr");
        for(const column of columns){
          const cell=document.createElement("td");
          cell.textContent=text(row[column]);cell.title=String(row[column]??"");line.append(cell);
        }
        return line;
      });
      if(!lines.length){
        const line=document.createElement("tr"),cell=line.insertCell();
        cell.colSpan=columns.length;cell.textContent="none yet";lines.push(line);
      }
      table.tBodies[0].replaceChildren(...lines);
    }
  }catch{said.textContent="The simulator does not answer: was it stopped?"}
}
document.getElementById("call").onclick=()=>send("calls",{participants:["Ann","+4930901820"]});
document.getElementById("make").onclick=()=>send("objects",{durationMs:5000});
document.getElementById("seconds").onclick=()=>send("clock",{advanceSeconds:10});
document.getElementById("hour").onclick=()=>send("clock",{advanceSeconds:3600});
document.getElementById("clear").onclick=()=>send("faults",null,"DELETE");
for(const button of document.querySelectorAll("button[data-k]"))button.onclick=()=>send("faults",{
  operation:button.dataset.o,kind:button.dataset.k,arguments:JSON.parse(button.dataset.a),
  ...(button.dataset.k==="wrong_body"?{forSeconds:60}:{})});
show();setInterval(show,2000);
</script></body></html>"""
