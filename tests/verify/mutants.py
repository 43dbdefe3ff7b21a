#!/usr/bin/env python3
"""Two verifiers that share no code look at the same damage and must say the same of every piece of it.

First the cases of forge.py: every rule broken by itself, under seals that hold. Then seeded mutants of the golden
ledgers and evidence: bits, bytes, lines, pages, receipts, forms. What must be refused is refused by both, what
must hold holds for both, and where the damage may be harmless they still agree.

    mutants.py STEELYARD [--count 20000] [--seed 1]"""
import argparse, json, multiprocessing, os, random, re, shutil, subprocess, sys, tempfile
from pathlib import Path
import forge
from verify import WRONG, b64, read_line, read_page, sha, verify

GOLDEN = Path(__file__).parent.parent / 'golden'
BATCH = 250


def load(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file() and path.name != 'VERIFY.txt'}


def ours(files):
    try:
        verify(files)
        return True, ''
    except (*WRONG, OSError, EOFError) as why:
        return False, repr(why)


def theirs(binary, batch, room):
    """What the gateway's own verifier says of each."""
    places = []
    for number, (_, files, _) in enumerate(batch):
        place = room / f'{number:06}'
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)
        places.append(place)
    said = subprocess.run([binary, 'verify', '--json', *map(str, places)], capture_output=True, text=True)
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert [answer['path'] for answer in answers] == [str(place) for place in places], said.stderr
    for place in places:
        shutil.rmtree(place)
    return answers


def compare(binary, batch, room):
    wrong = []
    for (name, files, must), answer in zip(batch, theirs(binary, batch, room)):
        holds, why = ours(files)
        if holds != answer['holds'] or must not in (None, holds):
            wrong.append((name, f'must hold: {must}; second verifier: {holds} {why}; steelyard: {answer["holds"]} '
                                f'{[problem["what"] for problem in answer["problems"]]} {answer["unread"]}', files))
    return wrong


def rows_of_pages(rows):
    """First row and rows of every whole page."""
    at, found = 0, []
    while at < len(rows):
        if rows[at].startswith(b'eyJ'):
            try:
                length = 1 + read_page(rows, at)['count']
                found.append((at, length))
                at += length
                continue
            except ValueError:
                pass
        at += 1
    return found


def somewhere(data, dice):
    """A place in it; in the line feeds of a segment made ahead only now and then."""
    for _ in range(20):
        at = dice.randrange(len(data))
        if data[at] != 10 or dice.random() < 0.02:
            break
    return at


def mutant(files, dice):
    """One change: its name, the files, and whether they must hold (None: it depends, but both must agree)."""
    files = dict(files)
    pages = [name for name in files if '.pages' in name and not name.endswith('.gz')]
    ledger = any(name.startswith('segment-') for name in files)
    kind = dice.choices(['bit', 'receipt bit', 'key bit', 'line', 'byte', 'page', 'form', 'receipts', 'blank', 'cut', 'twist'], [30, 10, 8, 14, 8, 4, 8, 3, 4, 4, 3])[0]
    name = dice.choices(pages, [len(files[name]) for name in pages])[0]
    data = files[name]
    if kind in ('bit', 'receipt bit', 'key bit'):
        name = {'bit': name, 'receipt bit': 'receipts.jws', 'key bit': 'keys.jwks'}[kind]
        data, must = bytearray(files[name]), False
        if kind == 'key bit':  # a value of kty, crv, x or kid
            spans = [match.span(1) for match in re.finditer(rb'"(?:kty|crv|x|kid)": ?"([^"]*)"', bytes(data))]
            begin, end = dice.choice(spans)
            at = dice.randrange(begin, end)
        else:
            at = somewhere(data, dice) if data else None
            must = None if not ledger and kind == 'bit' and data[at] == 10 else must
        if at is None:
            return mutant(files, dice)
        bit = dice.randrange(8)
        data[at] ^= 1 << bit
        files[name] = bytes(data)
        return f'{name}, bit {bit} of byte {at}', files, must
    rows = data.split(b'\n')
    full = [at for at, row in enumerate(rows) if row]
    if kind == 'line':
        what = dice.choice(['removed', 'doubled', 'swapped'])
        one, two = dice.sample(full, 2) if len(full) > 1 else (full[0], full[0])
        if what == 'removed':
            del rows[one]
        elif what == 'doubled':
            rows.insert(one, rows[one])
        else:
            if rows[one] == rows[two]:
                return mutant(files, dice)
            rows[one], rows[two] = rows[two], rows[one]
        files[name] = b'\n'.join(rows)
        return f'{name}, line {one} {what} ({two})', files, False
    if kind == 'byte':
        at, byte = somewhere(data, dice), bytes([dice.choice([10, 32, 0, 255, dice.randrange(256)])])
        files[name] = dice.choice([data[:at] + byte + data[at:], data[:at] + data[at + 1:], data[:at] + byte + data[at + 1:]])
        return f'{name}, byte {at} put in, out or changed to {byte}', files, None if files[name] != data else True
    if kind == 'page':
        found = rows_of_pages(rows)
        if not found:
            return mutant(files, dice)
        at, length = dice.choice(found)
        # Nobody misses the last page of a ledger that was never receipted.
        last = name == max(pages) and (at, length) == found[-1]
        page, what = rows[at:at + length], dice.choice(['removed', 'doubled', 'moved'])
        if what != 'doubled':
            del rows[at:at + length]
        if what != 'removed':
            to = dice.choice([place for place, _ in rows_of_pages(rows)] + [len(rows) - 1])
            rows[to:to] = page
        files[name] = b'\n'.join(rows)
        return f'{name}, page at line {at} {what}', files, None if not ledger or last or what == 'moved' else False
    if kind == 'form':
        lines = [at for at in full if rows[at].startswith(b'{"seq"') and rows[at].endswith(b'}')]
        if not lines:
            return mutant(files, dice)
        at = dice.choice(lines)
        line, leaf, form = read_line(rows[at])
        if form == 'bare':
            return mutant(files, dice)
        split = rows[at].index(b',"data":') + 8
        withheld = rows[at][:split] + b'"%s"}' % b64(sha(rows[at][split:-1])).encode() if form == 'full' else rows[at]
        bare = b'{"seq":%d,"leaf":"%s"}' % (line['seq'], b64(leaf).encode())
        rows[at] = dice.choice([withheld, bare])
        files[name] = b'\n'.join(rows)
        return f'{name}, entry {line["seq"]} in another form', files, False if ledger else None
    if kind == 'receipts':
        lines = files['receipts.jws'].splitlines(keepends=True)
        if not lines:
            return mutant(files, dice)
        what = dice.choice(['shuffled', 'one missing', 'one twice', 'two joined', 'one of another ledger', 'the last cut'])
        if what == 'shuffled':
            dice.shuffle(lines)
        elif what == 'one missing':
            del lines[dice.randrange(len(lines))]
        elif what == 'one twice':
            lines.insert(0, dice.choice(lines))
        elif what == 'two joined':
            lines[0] = lines[0].rstrip(b'\n')
        elif what == 'one of another ledger':
            lines.append(dice.choice((GOLDEN / ('ledger-1' if b'mIq2dsjMWPeEqHGE' in b''.join(map(seal_says, lines)) else 'ledger-2') / 'receipts.jws').read_bytes().splitlines(keepends=True)))
        else:
            lines[-1] = lines[-1][:dice.randrange(1, len(lines[-1]) - 1)]
        files['receipts.jws'] = b''.join(lines)
        return f'receipts {what}', files, what in ('shuffled', 'one missing', 'one twice') or (what == 'two joined' and len(lines) == 1)
    if kind == 'blank':
        feeds = [at for at, byte in enumerate(data) if byte == 10]
        at = dice.choice(feeds)
        files[name] = data[:at] + (b'' if dice.random() < 0.5 else b'\n' * dice.randrange(2, 5000)) + data[at + 1:]
        return f'{name}, more or fewer line feeds at {at}', files, None
    if kind == 'cut':
        at = dice.randrange(len(data))
        files[name] = data[:at] + b'\n' * dice.choice([0, 0, len(data) - at])
        return f'{name}, cut off at {at}', files, None
    # Two files change places, or one goes.
    other = dice.choice(list(files))
    if dice.random() < 0.5 and other != 'keys.jwks':
        del files[other]
        return f'{other} is gone', files, True if other == 'receipts.jws' else None
    files[name], files[other] = files[other], files[name]
    return f'{name} and {other} change places', files, True if name == other else None


def seal_says(line):
    return __import__('base64').urlsafe_b64decode(line.split(b'.')[1] + b'===')


def work(job):
    binary, seed, count, bases, room = job
    dice, wrong = random.Random(seed), []
    room = Path(tempfile.mkdtemp(dir=room))
    for begin in range(0, count, BATCH):
        batch = []
        for _ in range(min(BATCH, count - begin)):
            base, files = dice.choice(bases)
            name, changed, must = mutant(files, dice)
            batch.append((f'{base}: {name} (seed {seed})', changed, must))
        wrong += compare(binary, batch, room)
    return wrong


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument('steelyard')
    words.add_argument('--count', type=int, default=20000)
    words.add_argument('--seed', type=int, default=1)
    words.add_argument('--keep', type=Path, help='where to leave what the two do not agree on')
    args = words.parse_args()
    bases = [(path.name, load(path)) for path in sorted(GOLDEN.iterdir()) if (path / 'keys.jwks').is_file()]
    room = Path(tempfile.mkdtemp(dir=next((place for place in ('/dev/shm',) if os.access(place, os.W_OK)), None)))
    try:
        forged = [(f'{name}, sealed again: {what}', files, must) for name in ('ledger-1', 'ledger-2') for what, files, must in forge.cases(load(GOLDEN / name))]
        wrong = compare(args.steelyard, [(name, files, True) for name, files in bases] + forged, room)
        print(f'{len(bases)} golden ledgers and evidence hold for both; {len(forged)} rules broken or kept under seals that hold', flush=True)
        jobs = 8 * (os.cpu_count() or 1)
        shares = [(args.steelyard, args.seed * 1000 + job, args.count // jobs + (job < args.count % jobs), bases, room) for job in range(jobs)]
        with multiprocessing.Pool() as pool:
            for found in pool.imap_unordered(work, shares):
                wrong += found
    finally:
        shutil.rmtree(room, ignore_errors=True)
    for number, (name, why, files) in enumerate(wrong):
        if number < 20:
            print(f'NOT AGREED: {name}\n  {why}')
        if args.keep:
            place = args.keep / f'{number:04}'
            place.mkdir(parents=True)
            for file, data in files.items():
                (place / file).write_bytes(data)
    print(f'{args.count} mutants: {len(wrong)} not agreed' if wrong else f'{args.count} mutants: agreed on every one')
    sys.exit(bool(wrong))


if __name__ == '__main__':
    main()
