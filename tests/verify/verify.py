#!/usr/bin/env python3
"""Verifies a ledger directory or an evidence folder by docs/reference/record.md alone; shares no code with the gateway."""
import argparse, base64, gzip, hashlib, json, re, sys
from pathlib import Path
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
HASH = r'[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]'  # 32 bytes in canonical base64url
TEXT = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\bfnrt]|u00[01][0-9a-fA-F]))*+"'
MEMBER = rf'"[a-z][a-z0-9_]*":(?:{TEXT}|0|-?[1-9][0-9]{{0,15}}|true|false|null)'
FLAT = rf'\{{(?:{MEMBER}(?:,{MEMBER})*+)?\}}'
ENTRY = rf'\{{"seq":[1-9][0-9]{{0,15}}(?:(?:,(?!"data":){MEMBER})*+,"data":(?:{FLAT}|"{HASH}")|,"leaf":"{HASH}")\}}'
TIME = r'\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z'
PLACE = dict(gateway='.*', ledger='.*', epoch=1, page=1)
SEAL = PLACE | dict(use='production|qualification|training|demo', software='.*', first=1, count=1, root=HASH,
                    prev='|' + HASH, config='|' + HASH, sealed=TIME, zone='.*', boot='.*',
                    clock='synchronised|unsynchronised|unknown', clock_error_ms=0)
WRONG = (ValueError, KeyError, TypeError, AttributeError, InvalidSignature)
def need(holds, why):
    if not holds: raise ValueError(why)
def matches(pattern, text): return re.fullmatch(pattern, text, re.A | re.S)
def sha(data): return hashlib.sha256(data).digest()
def b64(data): return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
def unb64(text):
    data = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    need(b64(data) == text, 'base64url that is not canonical')
    return data
def root(leaves):  # RFC 9162
    half = 1 << (len(leaves) - 1).bit_length() >> 1 if len(leaves) > 1 else 0
    return sha(b'\1' + root(leaves[:half]) + root(leaves[half:])) if half else leaves[0] if leaves else sha(b'')
def once(pairs):
    need(len(pairs) == len(dict(pairs)) and all(type(v) is not int or abs(v) <= 2**53 for _, v in pairs), 'twice, or too big')
    return dict(pairs)
def strict(raw, form):
    need(len(raw) <= 65536 and '\ufeff' not in raw.decode() and matches(form, raw.decode()), 'not in the form of the record')
    return json.loads(raw, object_pairs_hook=once)
def read_line(raw):  # members, leaf, form
    line, at = strict(raw, ENTRY), raw.find(b',"data":{') + 8
    if at > 7: return line, sha(b'\0' + raw[:at] + b'"%s"}' % b64(sha(raw[at:-1])).encode()), 'full'
    return (line, sha(b'\0' + raw), 'withheld') if 'data' in line else ({'seq': line['seq']}, unb64(line['leaf']), 'bare')
def thumbprint(x): return b64(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()))  # RFC 7638
def read_keys(raw):
    keys = {}
    for key in json.loads(raw, object_pairs_hook=once)['keys']:
        known = (key['kty'], key['crv'], key['kid']) == ('OKP', 'Ed25519', thumbprint(key['x']))
        need(known and key['role'] in ('page', 'receipt') and key['kid'] not in keys, 'a key of another type, role or kid')
        keys[key['kid']] = key['role'], Ed25519PublicKey.from_public_bytes(unb64(key['x']))
    return keys
def read_jws(raw, typ, members):  # well formed; proven only by `signed`
    head, body, signature = raw[:16385].decode().split('.')
    header, said = strict(unb64(head), FLAT), strict(unb64(body), FLAT)
    need(header == {'alg': 'EdDSA', 'kid': str(header.get('kid')), 'typ': typ} and set(said) == set(members), 'other members')
    for name, form in members.items():
        need(type(form) is type(said[name]) and (said[name] >= form if form in (0, 1) else matches(form, said[name])), name)
    return said | {'kid': header['kid'], 'hash': b64(sha(raw)), 'proof': (unb64(signature), raw[:raw.rindex(b'.')])}
def signed(jws, keys, role, expected=()):
    need(keys.get(jws['kid'], [''])[0] == role and jws['kid'] in (expected or keys), f'{jws["kid"]} is no {role} key here')
    keys[jws['kid']][1].verify(*jws['proof'])
def read_page(rows, at):  # form, numbers and root; whether it may stand there is for `check_place`
    page = read_jws(rows[at], 'steelyard-page', SEAL)
    end = min(at + 1 + page['count'], len(rows) - 1)  # the last row has no line feed behind it: no whole line
    lines = [read_line(raw) for raw in rows[at + 1:end]]
    fit = len(lines) == page['count'] and all(line['seq'] == page['first'] + i for i, (line, _, _) in enumerate(lines))
    need(fit and b64(root([leaf for _, leaf, _ in lines])) == page['root'], 'other entries than were sealed')
    return page | {'lines': lines, 'end': page['first'] + page['count']}
def check_tails(tails, page, opens):  # what is no page stands only where the page behind it says so
    need(tails or page['lines'][0][0].get('because') != 'torn-tail', 'a torn tail is stated that is not there')
    for (name, at, data, why), (line, _, _) in zip(tails, page['lines'] + page['lines'][:1] * len(tails)):
        there = dict(kind='exception', because='torn-tail', length=len(data), sha256=b64(sha(data)), offset=at)
        there |= dict(segment=name[:-3], offset=line.get('offset')) if name.endswith('.gz') else dict(segment=name)
        need(opens and there.items() <= line.items(), f'before it, {name}, byte {at}: {why}')
def check_place(page, last, whole, opens):  # may it stand behind the last one?
    (first, leaf, _), final = page['lines'][0], page['lines'][-1][0]
    epoch, handed = first.get('kind') == 'epoch', first.get('old') if first.get('kind') == 'key' else None
    page['new'] = final['new'] if final.get('kind') == 'key' and final.get('new') == thumbprint(final.get('x', '')) else None
    config = b64(leaf) if first.get('kind') == 'configuration' else last['config'] if last else ''
    need(page['config'] == config or epoch and not page['config'] or not last and page['page'] > 1, 'config is another')
    if not last: return need(not whole or (page['page'], page['first'], page['prev']) == (1, 1, ''), 'the beginning is missing')
    need(all(page[name] == last[name] for name in ('gateway', 'ledger', 'use')), 'another gateway, ledger or use')
    if epoch:
        place = page['epoch'] == last['epoch'] + 1 and (opens and page['prev'] in ('', last['hash']) or not whole)
        above = last['page'] <= first['last_page'] < page['page'] and last['end'] - 1 <= first['last_seq'] < page['first']
        return need(place and above, 'an epoch out of place, or not above what was known')
    follows = (page['page'], page['first'], page['prev']) == (last['page'] + 1, last['end'], last['hash'])
    behind = not whole and page['page'] > last['page'] + 1 and page['first'] >= last['end']  # a hole, in evidence
    need((follows or behind) and page['epoch'] == last['epoch'], 'the chain is broken')
    need((page['kid'], handed) == ((last['new'], last['kid']) if last['new'] else (last['kid'], None)), 'another key, unsaid')
def check_entry(line, leaf, leaves, batches, closings):
    batch, stated = line.get('batch'), (line.get('count'), line.get('root'))
    if line.get('kind') == 'binding':
        parts = [[*map(int, part.split('-'))] for part in line['seqs'].split(',')]
        named = [leaves[seq] for part in parts for seq in range(part[0], part[-1] + 1)]
        rising = all(a[-1] + 1 < b[0] for a, b in zip(parts, parts[1:])) and all(part == sorted({*part}) for part in parts)
        rising = rising and matches(r'((^|,)[1-9]\d*(-[1-9]\d*)?)+', line['seqs'])
        need(rising and stated == (len(named), b64(root(named))), f'binding {line["seq"]} names other entries')
    if line.get('kind') == 'batch' and 'closing' in line:
        known, number = batches.get(batch, []), 1 + sum(closing[0] == batch for closing in closings)
        holds = (line['closing'], *stated) == (number, len(known), b64(root(known)))
        need(holds, f'closing {line["closing"]} of {batch} does not cover its entries')
        closings.append((batch, number, *stated))
    leaves[line['seq']] = leaf
    if isinstance(batch, str): batches.setdefault(batch, []).append(leaf)
def verify(files, gateway_keys=(), store_keys=()):  # from names to bytes; returns what was found or raises one of WRONG
    keys, whole = read_keys(files['keys.jwks']), any(name.startswith('segment-') for name in files)
    names = sorted(name for name in files if matches(r'segment-\d{6}\.pages(\.gz)?' if whole else r'.*\.pages', name))
    found, last, tails = dict(full=0, withheld=0, bare=0, receipts=0, closings=[], keys=[]), None, []
    seals, leaves, batches = {}, {}, {}
    for name in (name for name in names if not (name.endswith('.gz') and name[:-3] in files)):
        data, skip, opens, torn = (gzip.decompress if name.endswith('.gz') else bytes)(files[name]), 0, True, []
        for at, row in enumerate(rows := data[:len(data.rstrip(b'\n')) + 1].split(b'\n')):
            if not row or at < skip: continue
            try: page = read_page(rows, at)
            except ValueError as why:
                torn = torn or [(name, len(b'\n'.join(rows[:at] + [b''])), b'\n'.join(rows[at:]).rstrip(b'\n'), why)]
                continue
            try:
                if whole or torn: check_tails(tails + torn, page, opens and not torn)
                signed(page, keys, 'page')
                check_place(page, last, whole, opens)
                for line, leaf, form in page['lines']:
                    inside = line['seq'] > page['first'] and line.get('kind') in ('epoch', 'configuration')
                    need(not inside and (form == 'full' or not whole), 'a line not in full, or one that must begin its page')
                    check_entry(line, leaf, leaves, batches, found['closings'])
                    found[form] += 1
            except WRONG as why: raise ValueError(f'page {page["page"]}, entries {page["first"]} to {page["end"] - 1}: {why!r}')
            if not last or page['kid'] not in (last['kid'], last['new']): found['keys'].append([])
            found['keys'][-1] += {page['kid']} - set(found['keys'][-1])  # one list for each run of keys that hand over
            seals[tuple(page[m] for m in PLACE)], last, tails, opens, skip = page['hash'], page, [], False, at + 1 + page['count']
        tails += torn
    need(last and not tails, f'no page here: {[(name, at, str(why)) for name, at, _, why in tails]}')
    need(all({*run} & {*(gateway_keys or run)} for run in found['keys']), 'sealed by another key than expected')
    for raw in filter(None, files.get('receipts.jws', b'').split(b'\n')):
        receipt = read_jws(raw, 'steelyard-receipt', PLACE | dict(seal=HASH, stored=TIME))
        signed(receipt, keys, 'receipt', store_keys)
        need(seals.get(tuple(receipt[name] for name in PLACE)) == receipt['seal'], f'page {receipt["page"]} is another here')
        found['receipts'] += 1
    return {'pages': len(seals), 'entries': len(leaves)} | found
if __name__ == '__main__':
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('directory', type=Path)
    words.add_argument('--json', action='store_true')
    for option in ('--gateway-key', '--store-key'): words.add_argument(option, action='append', default=[])
    args, found, why = words.parse_args(), {}, None
    try:
        files = {path.name: path.read_bytes() for path in args.directory.iterdir() if path.is_file()}
        found = verify(files, args.gateway_key, args.store_key)
    except WRONG + (OSError, EOFError) as wrong: why = repr(wrong)
    if args.json: print(json.dumps({'holds': not why, 'why': why} | found))
    else: print(f'does not hold: {why}' if why else 'holds: ' + ', '.join(f'{name} {what}' for name, what in found.items()))
    sys.exit(bool(why))
