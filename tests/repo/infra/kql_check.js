// Reads {tables, queries} from standard input and prints {query name: [faults]}, as Microsoft's Kusto parser finds them.
// The parser is C# made into JavaScript: it keeps its names, and puts them into the global scope.
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');

const { Kusto } = globalThis;
const { tables, queries } = JSON.parse(require('fs').readFileSync(0, 'utf8'));

function symbolOf([name, columns]) {
  const list = columns.map(([column, type]) => new Kusto.Language.Symbols.ColumnSymbol(column, Kusto.Language.Symbols.ScalarTypes.GetSymbol(type)));
  return new Kusto.Language.Symbols.TableSymbol.$ctor4(name, list);
}

const database = new Kusto.Language.Symbols.DatabaseSymbol.$ctor1('workspace', Object.entries(tables).map(symbolOf), false);
const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);

function faultsOf(query) {
  const found = Kusto.Language.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  const list = [];
  for (let at = 0; at < found.Count; at += 1) list.push(`${found.getItem(at).Start}: ${found.getItem(at).Message}`);
  return list;
}

const faults = Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, faultsOf(query)]));
process.stdout.write(JSON.stringify(faults));
