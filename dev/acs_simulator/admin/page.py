"""The page at `/`: calls, recordings, objects, the journal, and a button for each of the usual faults."""

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
    """Serves the page; everything on it comes from the admin API."""

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.get("/", self.show)]

    async def show(self, _: web.Request) -> web.Response:
        """GET /: the page."""
        return web.Response(text=_page(), content_type="text/html", charset="utf-8")


def _page() -> str:
    buttons = "".join(
        f"<button data-o='{operation}' data-k='{kind}' data-a='{arguments}'>{text}</button>"
        for text, operation, kind, arguments in BUTTONS
    )
    tables = "".join(
        f"<h2>{name}</h2><table id='{name}' data-c='{','.join(columns)}'><thead><tr>"
        + "".join(f"<th>{column}</th>" for column in columns)
        + "</tr></thead><tbody></tbody></table>"
        for name, columns in _TABLES.items()
    )
    return _HTML.replace("<!--buttons-->", buttons).replace("<!--tables-->", tables)


_HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ACS simulator</title><style>
body{font:14px system-ui,sans-serif;margin:1.5rem;max-width:100rem}
table{border-collapse:collapse;width:100%;margin-bottom:1rem}
th,td{text-align:left;padding:.2rem .5rem;border-bottom:1px solid #ccc;max-width:18rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}
button{margin:.15rem}h2{font-size:1rem;margin:.5rem 0}
</style></head><body><h1>ACS simulator <small id="now"></small></h1>
<p><button id="call">begin a call</button><button id="make">make a recording's files</button>
<button id="hour">an hour passes</button><button id="clear">forget faults</button></p>
<p><!--buttons--></p><!--tables-->
<script>
const base="/_simulator/";
const send=(path,body,method="POST")=>fetch(base+path,{method,body:body&&JSON.stringify(body)}).then(show);
const text=value=>value===null?"":Array.isArray(value)?value.map(one=>one.displayName).join(", "):String(value);
async function show(){
  document.getElementById("now").textContent=(await (await fetch(base+"clock")).json()).now;
  for(const table of document.querySelectorAll("table")){
    const rows=(await (await fetch(base+table.id)).json()).slice(-50).reverse();
    table.tBodies[0].replaceChildren(...rows.map(row=>{
      const line=document.createElement("tr");
      for(const column of table.dataset.c.split(",")){
        const cell=document.createElement("td");cell.textContent=cell.title=text(row[column]);line.append(cell);
      }
      return line;
    }));
  }
}
document.getElementById("call").onclick=()=>send("calls",{});
document.getElementById("make").onclick=()=>send("objects",{durationMs:5000});
document.getElementById("hour").onclick=()=>send("clock",{advanceSeconds:3600});
document.getElementById("clear").onclick=()=>send("faults",null,"DELETE");
for(const button of document.querySelectorAll("button[data-k]"))button.onclick=()=>send("faults",{
  operation:button.dataset.o,kind:button.dataset.k,arguments:JSON.parse(button.dataset.a),
  ...(button.dataset.k==="wrong_body"?{forSeconds:60}:{})});
show();setInterval(show,2000);
</script></body></html>"""
