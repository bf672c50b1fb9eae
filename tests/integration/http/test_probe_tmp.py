import socket, time, asyncio, pytest, psycopg, orjson
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

@pytest.fixture(scope="module")
def town(postgres_url, tmp_path_factory):
    f = Federation(tmp_path_factory.mktemp("f"))
    t = f.add("giessen", postgres_url, TEMPLATE)
    f.sign(); f.start()
    yield t
    print(t.process.log_file.read_text())
    f.stop()

def talk(town, raw, wait=1.0, close=False):
    s = socket.create_connection(("127.0.0.1", town.settings.port))
    s.sendall(raw)
    if close:
        s.close(); return b""
    s.settimeout(wait); out=b""
    try:
        while d:=s.recv(65536): out+=d
    except TimeoutError: out+=b"<TIMEOUT>"
    s.close(); return out

def test_probe(town):
    def req(line, headers="", body=b""):
        return f"{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()+body
    q=orjson.dumps({"query":"{ cities { id } }"})
    J="Content-Type: application/json\r\n"
    print("POST", talk(town, req("POST /graphql", J+f"Content-Length: {len(q)}\r\n", q)))
    print("OPTIONS", talk(town, req("OPTIONS /graphql")))
    print("HEAD", talk(town, req("HEAD /graphql?query=%7Bcities%7Bid%7D%7D")))
    g=talk(town, req("GET /graphql?query=%7Bcities%7Bid%7D%7D")); print("GET", g)
    tag=[l for l in g.split(b"\r\n") if l.lower().startswith(b"etag")][0].split(b": ")[1].decode()
    print("304", talk(town, req("GET /graphql?query=%7Bcities%7Bid%7D%7D", f"If-None-Match: {tag}\r\n")))
    print("CHUNKED", talk(town, req("POST /graphql", J+"Transfer-Encoding: chunked\r\n", b"%x\r\n"%len(q)+q+b"\r\n0\r\n\r\n")))
    print("BIG chunked", talk(town, req("POST /graphql", J+"Transfer-Encoding: chunked\r\n", (b"10000\r\n"+b"x"*65536+b"\r\n")*6+b"0\r\n\r\n"))[-400:])
    print("BIG len", talk(town, req("POST /graphql", J+"Content-Length: 99999999\r\n", b"x"*1000)))
    print("SLOW", talk(town, req("POST /graphql", J+"Content-Length: 50\r\n", b"{"), wait=15))
    print("GONE mid body", talk(town, req("POST /graphql", J+"Content-Length: 50\r\n", b"{"), close=True))
    print("GONE before answer", talk(town, req("POST /graphql", J+f"Content-Length: {len(q)}\r\n", q), close=True))
    big=orjson.dumps({"query":"{ __schema { types { name description fields { name description args { name description } } } } }"})
    for i in range(5): talk(town, req("POST /graphql", J+f"Content-Length: {len(big)}\r\n", big), close=True)
    print("PUT", talk(town, req("PUT /graphql")))
    print("404", talk(town, req("GET /graphql/x")))
    print("BADVERB", talk(town, req("FOO /graphql")))
    print("longurl", talk(town, req("GET /graphql?query="+"a"*200000))[:300])
    print("latin header", talk(town, b"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: \xff\xfe\r\nAuthorization: B\xe4r\r\n\r\n"))
    time.sleep(1)
