"""Ledgers that break one rule each and are sealed again by whoever broke it: only the rule itself can be seen.

A bit that flips is caught by the nearest hash. What a gateway with another opinion of the format would write is
caught by the rule alone, so every rule of docs/reference/record.md has its case here, and some that must hold."""
import copy, json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from verify import SEAL, b64, matches, read_keys, read_page, root, sha, thumbprint, unb64


class Key:
    def __init__(self, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(sha(seed))
        self.x = b64(self.private.public_key().public_bytes_raw())
        self.kid = thumbprint(self.x)

    def jws(self, typ, payload, header=None):
        header = header or compact({'alg': 'EdDSA', 'kid': self.kid, 'typ': typ})
        signed = b64(header) + '.' + b64(payload)
        return (signed + '.' + b64(self.private.sign(signed.encode()))).encode()

    def jwk(self, role):
        return {'kty': 'OKP', 'crv': 'Ed25519', 'x': self.x, 'kid': self.kid, 'alg': 'EdDSA', 'use': 'sig', 'role': role}


def compact(members):
    return json.dumps(members, separators=(',', ':'), ensure_ascii=False).encode()


def leaf(line):
    """The leaf of a line by the letter of the page, also where the line breaks the other rules."""
    at = line.find(b',"data":')
    data = line[at + 8:-1]
    return sha(b'\0' + line[:at + 8] + (b'"' + b64(sha(data)).encode() + b'"' if data[:1] == b'{' else data) + b'}')


class Ledger:
    """A golden ledger taken apart, with new keys, to be put together again after a change."""

    def __init__(self, files):
        self.segments, self.old_keys = [], []
        known = read_keys(files['keys.jwks'])
        self.roles = {kid: role for kid, (role, _) in known.items()}
        self.keys = {kid: Key(kid.encode()) for kid in known}
        for name in sorted(name for name in files if name.startswith('segment-')):
            rows, pages, at = files[name].split(b'\n'), [], 0
            while at < len(rows):
                if rows[at]:
                    try:
                        page = read_page(rows, at)
                    except ValueError:
                        break
                    payload = {member: page[member] for member in SEAL}
                    order = json.loads(unb64(rows[at].decode().split('.')[1]))
                    payload = {member: payload[member] for member in order}
                    lines = rows[at + 1:at + 1 + page['count']]
                    pages.append({'payload': payload, 'kid': page['kid'], 'lines': lines, 'forced': {}, 'header': None, 'raw': None})
                    at += page['count']
                at += 1
            tail = b'\n'.join(rows[at:]).strip(b'\n')
            self.segments.append({'name': name, 'pages': pages, 'tail': tail})
        self.receipts = [('each', None)]
        self.before_receipts = lambda made: made

    def pages(self):
        return [page for segment in self.segments for page in segment['pages']]

    def write(self):
        """The files: leaves, roots, closings, bindings, chain, configuration and torn tails as the page asks,
        unless a case has forced them."""
        files, prev, config, tails, seals, leaves, batches = {}, '', '', [], [], {}, {}
        for segment in self.segments:
            out = b''
            for page in segment['pages']:
                payload, lines = dict(page['payload']), []
                for line in page['lines']:
                    line = self.entry(line, leaves, batches, tails if not lines else [])
                    lines.append(line)
                    leaves[self.number(line)] = leaf(line)
                    if b'"batch":' in line.split(b',"data":')[0]:
                        name = line.split(b'"batch":"')[1].split(b'"')[0]
                        batches.setdefault(name, []).append(leaf(line))
                tails = []
                if lines[0].find(b'"kind":"configuration"') > 0:
                    config = b64(leaf(lines[0]))
                payload |= {'root': b64(root([leaf(line) for line in lines])), 'prev': prev, 'config': config, 'count': len(lines)}
                payload |= page['forced']
                payload = {name: value for name, value in payload.items() if value is not None}
                raw = (page['raw'] or compact)(payload)
                seal = self.keys[page['kid']].jws('steelyard-page', raw, page['header'] and page['header'](self.keys[page['kid']]))
                prev = b64(sha(seal))
                seals.append((payload, prev))
                out += seal + b'\n' + b''.join(line + b'\n' for line in lines) + b'\n\n'
            if segment['tail']:
                tails = [(segment['name'], len(out), segment['tail'])]
                out += segment['tail'] + b'\n\n\n'
            files[segment['name']] = out
        files['keys.jwks'] = compact({'keys': [self.keys[kid].jwk(self.roles[kid]) for kid in self.keys]})
        store = next(self.keys[kid] for kid, role in self.roles.items() if role == 'receipt')
        made = []
        for payload, seal in seals:
            said = {name: payload.get(name) for name in ('gateway', 'ledger', 'epoch', 'page')} | {'seal': seal, 'stored': '2026-11-20T11:00:00.000Z'}
            made.append((said, store))
        files['receipts.jws'] = b''.join(key.jws('steelyard-receipt', compact(said)) + b'\n' for said, key in self.before_receipts(made))
        return files

    @staticmethod
    def number(line):
        return int(line.split(b':')[1].split(b',')[0]) if matches(r'\{"seq":\d+,.*', line.decode('utf-8', 'replace')) else 0

    def entry(self, line, leaves, batches, tails):
        """Brings up to date what an entry says about keys, leaves and tails, unless marked as forced."""
        if b'"forced":1' in line:
            return line.replace(b',"forced":1', b'')
        for kid, key in self.keys.items():
            line = line.replace(b'"' + kid.encode() + b'"', b'"' + key.kid.encode() + b'"')
        head, data = line.split(b',"data":', 1) if b',"data":' in line else (line, b'')
        try:
            members = json.loads(head + b'}')
        except ValueError:
            return line
        if members.get('kind') == 'key' and members.get('new') in [key.kid for key in self.keys.values()]:
            members['x'] = next(key.x for key in self.keys.values() if key.kid == members['new'])
        elif members.get('kind') == 'binding':
            parts = [part.split('-') for part in members['seqs'].split(',')]
            named = [leaves.get(seq, b'') for part in parts for seq in range(int(part[0] or 0), int(part[-1] or 0) + 1)]
            members |= {'count': len(named), 'root': b64(root(named))}
        elif members.get('kind') == 'batch' and 'closing' in members:
            named = batches.get(members['batch'].encode(), [])
            members |= {'count': len(named), 'root': b64(root(named))}
        elif members.get('because') == 'torn-tail' and tails:
            name, offset, bytes_ = tails[0]
            members |= {'segment': name, 'offset': offset, 'length': len(bytes_), 'sha256': b64(sha(bytes_))}
        else:
            return line
        return compact(members)[:-1] + b',"data":' + data


def cases(files):
    """Name, ledger, whether it must hold."""
    whole = Ledger(files)
    count = len(whole.pages())
    mid = next(at for at, page in enumerate(whole.pages()) if len(page['lines']) > 1 and at > 1)

    def case(name, holds, change):
        ledger = copy.deepcopy(whole)
        if change(ledger) is not False:
            made.append((name, ledger.write(), holds))

    made = []
    case('sealed again by other keys', True, lambda ledger: None)

    def forced(at, members):
        return lambda ledger: ledger.pages()[at]['forced'].update(members)

    other = b64(sha(b'other'))
    for name, members in {
        'a page number is left out': dict(page=99), 'a page number is given again': dict(page=1), 'first is another': dict(first=99),
        'prev is empty': dict(prev=''), 'prev is another': dict(prev=other), 'an epoch without its entry': dict(epoch=9),
        'another gateway': dict(gateway='line-4'), 'another ledger': dict(ledger='other'), 'another use': dict(use='demo'),
        'a use nobody knows': dict(use='testing'), 'another configuration': dict(config=other), 'no configuration': dict(config=''),
        'a member too many': dict(more='x'), 'a member missing': dict(zone=None), 'count too high': dict(count=4),
        'count too low': dict(count=1), 'count is zero': dict(count=0), 'another root': dict(root=other), 'a root that is no hash': dict(root='x'),
        'a clock word nobody knows': dict(clock='good'), 'a time in another form': dict(sealed='2026-11-20 10:15:09'),
        'a number as a string': dict(page='3'), 'a string as a number': dict(zone=3), 'true as a number': dict(epoch=True),
        'a number below zero': dict(clock_error_ms=-1), 'a list in a seal': dict(zone=['UTC']), 'null in a seal': dict(boot=None, more=None),
    }.items():
        case(name + ', in the middle', False, forced(mid, members))
    for name, members in {'first page has a prev': dict(prev=other), 'first page is not 1': dict(page=2), 'first page has a config': dict(config=other)}.items():
        case(name, False, forced(0, members))

    def raw(change):
        return lambda ledger: ledger.pages()[mid].update(raw=lambda payload: change(compact(payload)))

    def header(change):
        return lambda ledger: ledger.pages()[mid].update(
            header=lambda key: change(compact({'alg': 'EdDSA', 'kid': key.kid, 'typ': 'steelyard-page'})))

    case('members of a seal in another order', True, lambda ledger: ledger.pages()[mid].update(
        raw=lambda payload: compact(dict(reversed(payload.items())))))
    for name, change in {'white space in a seal': raw(lambda text: text.replace(b',', b', ', 1)),
                         'a member twice in a seal': raw(lambda text: text[:-1] + b',"zone":"UTC"}'),
                         'an escape for a letter in a seal': raw(lambda text: text.replace(b'line-3', b'lin\\u0065-3')),
                         'something behind a seal': raw(lambda text: text + b' '),
                         'another algorithm': header(lambda text: text.replace(b'EdDSA', b'none')),
                         'another type': header(lambda text: text.replace(b'steelyard-page', b'steelyard-receipt')),
                         'a header member too many': header(lambda text: text[:-1] + b',"crit":"x"}'),
                         'a header member missing': header(lambda text: text.replace(b'"alg":"EdDSA",', b'')),
                         'an escape in the header': header(lambda text: text.replace(b'EdDSA', b'EdDS\\u0041'))}.items():
        case(name, False, change)

    def line(change, at=1, page=mid):
        def apply(ledger):
            lines = ledger.pages()[page]['lines']
            lines[at] = change(lines[at])
        return apply

    def inside(text):  # a member more in data
        return line(lambda raw_line: raw_line[:-2] + b',' + text + b'}}')

    # A kind nobody closes over, so that only the rule in question can be broken.
    free = next(((p, i) for p, page in enumerate(whole.pages()) for i, text in enumerate(page['lines'])
                 if i > 0 and b'"kind":"stop"' in text or b'"kind":"file"' in text and i > 0), (mid, 1))

    def free_line(change):
        return line(change, free[1], free[0])

    room = 65536 - len(whole.pages()[free[0]]['lines'][free[1]]) - len(b',"long":""')
    for name, text, holds in [
        ('a kind nobody knows', lambda l: l.replace(b'"kind":"', b'"kind":"new-'), True),
        ('a member nobody knows', lambda l: l.replace(b',"data":', b',"news":1,"data":'), True),
        ('true, false and null', lambda l: l[:-2] + b',"a":true,"b":false,"c":null}}', True),
        ('the largest numbers', lambda l: l[:-2] + b',"a":9007199254740992,"b":-9007199254740992,"c":0,"d":-1}}', True),
        ('every escape', lambda l: l[:-2] + b',"a":"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\u001F"}}', True),
        ('letters of the world', lambda l: l[:-2] + ',"a":"温度 ü 🧴 \x7f"}}'.encode(), True),
        ('a trap in a string', lambda l: l.replace(b',"data":', b',"trap":"\\",\\"data\\":{","data":'), True),
        ('no salt', lambda l: l[:l.index(b',"data":')] + b',"data":{}}', True),
        ('a line of 64 KiB', lambda l: l[:-2] + b',"long":"' + b'x' * room + b'"}}', True),
        ('a line over 64 KiB', lambda l: l[:-2] + b',"long":"' + b'x' * (room + 1) + b'"}}', False),
        ('white space behind a comma', lambda l: l.replace(b',"kind"', b', "kind"'), False),
        ('white space in data', lambda l: l[:-2] + b' }}', False),
        ('white space at the end', lambda l: l + b' ', False),
        ('a capital in a name', lambda l: l.replace(b'"kind"', b'"Kind"'), False),
        ('a digit first in a name', lambda l: l[:-2] + b',"1a":1}}', False),
        ('an empty name', lambda l: l[:-2] + b',"":1}}', False),
        ('an escape in a name', lambda l: l.replace(b'"kind"', b'"k\\u0069nd"'), False),
        ('a hyphen in a name', lambda l: l[:-2] + b',"a-b":1}}', False),
        ('a name twice', lambda l: l.replace(b',"data":', b',"kind":"x","data":'), False),
        ('a name twice in data', lambda l: l[:-2] + b',"salt":"x"}}', False),
        ('data twice', lambda l: l.replace(b',"data":', b',"data":{},"data":'), False),
        ('data not last', lambda l: l[:-1] + b',"more":1}', False),
        ('data a number', lambda l: l[:l.index(b',"data":')] + b',"data":7}', False),
        ('nesting in data', lambda l: l[:-2] + b',"a":{}}}', False),
        ('a list in data', lambda l: l[:-2] + b',"a":[1]}}', False),
        ('nesting outside data', lambda l: l.replace(b',"data":', b',"a":{},"data":'), False),
        ('a list outside data', lambda l: l.replace(b',"data":', b',"a":[],"data":'), False),
        ('a fraction', lambda l: l[:-2] + b',"a":1.5}}', False),
        ('an exponent', lambda l: l[:-2] + b',"a":1e3}}', False),
        ('a plus', lambda l: l[:-2] + b',"a":+1}}', False),
        ('a leading zero', lambda l: l[:-2] + b',"a":01}}', False),
        ('minus zero', lambda l: l[:-2] + b',"a":-0}}', False),
        ('beyond 2^53', lambda l: l[:-2] + b',"a":9007199254740993}}', False),
        ('beyond -2^53', lambda l: l[:-2] + b',"a":-9007199254740993}}', False),
        ('a number far beyond', lambda l: l[:-2] + b',"a":' + b'9' * 40 + b'}}', False),
        ('NaN', lambda l: l[:-2] + b',"a":NaN}}', False),
        ('a control byte', lambda l: l[:-2] + b',"a":"\x1f"}}', False),
        ('a tab', lambda l: l[:-2] + b',"a":"\t"}}', False),
        ('a carriage return', lambda l: l + b'\r', False),
        ('an escaped slash', lambda l: l[:-2] + b',"a":"\\/"}}', False),
        ('an escape for a letter', lambda l: l[:-2] + b',"a":"\\u0041"}}', False),
        ('an escape for delete', lambda l: l[:-2] + b',"a":"\\u007f"}}', False),
        ('a pair of surrogates', lambda l: l[:-2] + b',"a":"\\ud83d\\ude00"}}', False),
        ('an escape cut short', lambda l: l[:-2] + b',"a":"\\u001"}}', False),
        ('an escape nobody knows', lambda l: l[:-2] + b',"a":"\\x"}}', False),
        ('invalid UTF-8', lambda l: l[:-2] + b',"a":"\xff"}}', False),
        ('overlong UTF-8', lambda l: l[:-2] + b',"a":"\xc0\xaf"}}', False),
        ('a surrogate in UTF-8', lambda l: l[:-2] + b',"a":"\xed\xa0\x80"}}', False),
        ('a byte order mark', lambda l: l[:-2] + b',"a":"\xef\xbb\xbf"}}', False),
        ('seq a string', lambda l: l.replace(b'{"seq":', b'{"seq":"').replace(b',"kind"', b'","kind"', 1), False),
        ('seq not first', lambda l: b'{"a":1,' + l[1:], False),
        ('seq with a leading zero', lambda l: l.replace(b'{"seq":', b'{"seq":0'), False),
        ('the withheld form in a ledger', lambda l: l[:l.index(b',"data":') + 8] + b'"' + b64(sha(l[l.index(b',"data":') + 8:-1])).encode() + b'"}', False),
        ('an epoch within a page', lambda l: l.replace(b'"kind":"', b'"kind":"epoch","was":"'), False),
        ('a configuration within a page', lambda l: l.replace(b'"kind":"', b'"kind":"configuration","was":"'), False),
    ]:
        case(name, holds, free_line(text))
    case('a line of another number', False, free_line(lambda l: b'{"seq":9' + l[7:]))
    case('two lines change places', False, lambda ledger: ledger.pages()[mid]['lines'].reverse())

    def entries(kind, change, name, holds=False):
        for p, page in enumerate(whole.pages()):
            for i, text in enumerate(page['lines']):
                if b'"kind":"%s"' % kind in text.split(b',"data":')[0]:
                    changed = change(text)
                    if changed != text:
                        case(f'{name} (entry {Ledger.number(text)})', holds, line(lambda _, changed=changed: changed, i, p))

    def member(name, value):
        def change(text):
            head, data = text.split(b',"data":', 1)
            members = json.loads(head + b'}')
            if name not in members:
                return text
            members[name] = value(members[name]) if callable(value) else value
            if members[name] is None:
                del members[name]
            return compact(members | {'forced': 1})[:-1] + b',"data":' + data
        return change

    for name, change in {'counts one more': member('count', lambda n: n + 1), 'has another root': member('root', other), 'has no root': member('root', None)}.items():
        entries(b'binding', change, 'a binding ' + name)
        entries(b'batch', change, 'a closing ' + name)
    entries(b'batch', member('closing', 2), 'a first closing is called the second')
    for name, seqs in {'names entries that come later': '99', 'names nothing': '', 'names in another order': '9,4', 'writes a number as a range': '16-16',
                       'has ranges that touch': '7,8', 'goes backwards': '9-7', 'begins with zero': '07', 'begins at zero': '0-2'}.items():
        entries(b'binding', lambda text, seqs=seqs: text.replace(b'"seqs":"16"', b'"seqs":"%s"' % seqs.encode()), 'a binding ' + name)
    entries(b'binding', lambda text: text.replace(b'"seqs":"16"', b'"seqs":"4-6,16"'), 'a binding names more', True)
    entries(b'epoch', member('last_page', 4), 'an epoch forgets a page')
    entries(b'epoch', member('last_page', 6), 'an epoch gives a page number again')
    entries(b'epoch', member('last_seq', 7), 'an epoch forgets an entry')
    entries(b'epoch', member('last_seq', 9), 'an epoch gives a number again')
    entries(b'epoch', member('last_seq', None), 'an epoch does not say where it goes on')
    entries(b'epoch', member('kind', 'comment'), 'an epoch without its entry')
    entries(b'key', member('old', other), 'a new key takes over from a stranger')
    entries(b'key', member('old', None), 'a new key does not say from whom it takes over')
    entries(b'key', member('new', other), 'a key hands over to a stranger')
    entries(b'key', member('x', None), 'a key hands over to nobody')
    entries(b'key', member('kind', 'comment'), 'a key changes without its entry')
    for name, change in {'another offset': member('offset', 7), 'another length': member('length', 7), 'another hash': member('sha256', other),
                         'another segment': member('segment', 'segment-000007.pages'), 'another word': member('because', 'damage')}.items():
        entries(b'exception', change, 'a torn tail is stated with ' + name)

    def epoch_page(ledger):
        return next((page for page in ledger.pages() if b'"kind":"epoch"' in page['lines'][0]), None)

    for name, members, holds in [('has no prev', dict(prev=''), True), ('has another prev', dict(prev=other), False), ('has no config', dict(config=''), None),
                                 ('is number 3', dict(epoch=3), False), ('stays in epoch 1', dict(epoch=1), False)]:
        if holds is not None and epoch_page(whole):
            case('an epoch ' + name, holds, lambda ledger, members=members: epoch_page(ledger)['forced'].update(members))
    if epoch_page(whole):
        def joined(ledger):
            ledger.segments[-2]['pages'] += ledger.segments.pop()['pages']
        case('an epoch within a segment', False, joined)

        def untorn(ledger):
            for segment in ledger.segments:
                segment['tail'] = b''
        case('a torn tail is stated that is not there', False, untorn)

        def torn(segment, bytes_):
            return lambda ledger: ledger.segments[segment].update(tail=bytes_)
        case('a torn tail of one byte', True, torn(0, b'x'))
        case('a torn tail nobody states', False, torn(1, b'x'))
        case('a torn tail at the end', False, torn(2, b'{"seq":'))

    case('a page missing in the middle', False, lambda ledger: ledger.segments[0]['pages'].pop(1))
    case('segments in another order', False, lambda ledger: ledger.segments.reverse() if len(ledger.segments) > 1 else False)

    def handed_over(ledger):  # the old key goes on after it has handed over
        pages = ledger.pages()
        at = next((at for at, page in enumerate(pages) if b'"kind":"key"' in page['lines'][-1] and b'"new":' in page['lines'][-1]), None)
        if at is None:
            return False
        pages[at + 1]['kid'] = pages[at]['kid']
    case('the old key seals on', False, handed_over)

    def stranger(ledger):
        ledger.keys['stranger'], ledger.roles['stranger'] = Key(b'stranger'), 'page'
        ledger.pages()[-1]['kid'] = 'stranger'
    case('another page key seals the last page', False, stranger)

    def by_the_store(ledger):
        ledger.pages()[-1]['kid'] = next(kid for kid, role in ledger.roles.items() if role == 'receipt')
    case('the receipt key seals a page', False, by_the_store)

    def roles_swapped(ledger):
        ledger.roles = {kid: 'receipt' if role == 'page' else 'page' for kid, role in ledger.roles.items()}
    case('the roles change places', False, roles_swapped)

    def unused_key(ledger):
        ledger.keys['spare'], ledger.roles['spare'] = Key(b'spare'), 'page'
    case('a key that nobody uses', True, unused_key)

    def receipts(change):
        return lambda ledger: setattr(ledger, 'before_receipts', change)

    page_key = Key(next(kid for kid, role in whole.roles.items() if role == 'page').encode())
    case('receipts in another order', True, receipts(lambda made: made[::-1]))
    case('a receipt twice', True, receipts(lambda made: made + made[:1]))
    case('no receipts', True, receipts(lambda made: []))
    case('a receipt missing', True, receipts(lambda made: made[1:]))
    case('a receipt by the gateway', False, receipts(lambda made: [(made[0][0], page_key)] + made[1:]))
    case('a receipt by a stranger', False, receipts(lambda made: [(made[0][0], Key(b'stranger'))] + made[1:]))
    for name, members in {'another gateway': dict(gateway='line-4'), 'another ledger': dict(ledger='x'), 'another epoch': dict(epoch=9), 'a page that is not here': dict(page=count + 1),
                          'another seal': dict(seal=other), 'a time in another form': dict(stored='now'), 'a member too many': dict(more=1)}.items():
        case('a receipt for ' + name, False, receipts(lambda made, members=members: [(made[0][0] | members, made[0][1])] + made[1:]))
    return made
