"""Runs a command in a pseudo-terminal of 100 by 30 characters.

stdin: JSON {"command": [...], "env": {...}, "cwd": "...", "steps": [[pattern, keys], ...]}
stdout: JSON {"output": ..., "code": ... or null, "signal": ... or null}

A step waits until the output since the step before contains the pattern, then types the keys.
"""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

spec = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(spec["cwd"])
    os.execvpe(spec["command"][0], spec["command"], spec["env"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))

steps, output, seen = spec["steps"], b"", 0
deadline = time.monotonic() + 50
while time.monotonic() < deadline:
    if steps and steps[0][0].encode() in output[seen:]:
        seen = len(output)
        os.write(terminal, steps.pop(0)[1].encode())
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        chunk = os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed.
        break
    if not chunk:
        break
    output += chunk
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
json.dump({
    "output": output.decode("utf8", "replace"),
    "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
    "signal": signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None,
}, sys.stdout)
