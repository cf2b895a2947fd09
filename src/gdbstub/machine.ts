/** The one promise: a machine that has been let go. */
import { Signal } from './stop.ts';
import type { ResumeAction, Stop, Target } from './target.ts';

export class Machine {
  state: 'stopped' | 'running' | 'ended' = 'stopped';
  lastStop: Stop;
  readonly #target: Target;
  readonly #stopped: (stop: Stop) => void;
  readonly #failed: (error: unknown) => void;
  #awaited: Promise<Stop> | undefined;

  /**
   * @param stopped told of each stop that did not come at once
   * @param failed told of an error in the machine itself, which has then ended
   */
  constructor(target: Target, stopped: (stop: Stop) => void, failed: (error: unknown) => void) {
    this.#target = target;
    this.#stopped = stopped;
    this.#failed = failed;
    this.lastStop = { kind: 'reset', thread: target.threads.list()[0] };
  }

  /** The stop if it came at once. */
  resume(actions: readonly ResumeAction[]): Stop | undefined {
    const answer = this.#target.execution.resume(actions);
    if (!(answer instanceof Promise)) return this.#note(answer);
    this.state = 'running';
    this.#awaited = answer;
    answer.then(
      (stop) => this.#answered(answer, stop),
      (error) => {
        this.#failed(error);
        this.#answered(answer, { kind: 'terminated', signal: Signal.abort });
      },
    );
    return undefined;
  }

  interrupt(): void {
    if (this.state === 'running') this.#target.execution.interrupt();
  }

  /** Ends it, if it can be ended; what it still answers is of no interest. */
  kill(): void {
    this.#target.kill?.();
    this.#awaited = undefined;
    this.#note({ kind: 'terminated', signal: Signal.kill });
  }

  #answered(answer: Promise<Stop>, stop: Stop): void {
    if (answer !== this.#awaited) return;
    this.#awaited = undefined;
    this.#stopped(this.#note(stop));
  }

  #note(stop: Stop): Stop {
    this.state = stop.kind === 'exited' || stop.kind === 'terminated' ? 'ended' : 'stopped';
    this.lastStop = stop;
    return stop;
  }
}
