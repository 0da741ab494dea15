import { condition, setHandler } from '@temporalio/workflow';
import { pauseSignal, resumeSignal } from './items-progress.ts';

/** Whether a run is paused; the signals `pause` and `resume` turn it. */
export class PauseSwitch {
  #isPaused = false;

  /** @param onTurn is told each time that the switch is turned */
  constructor(onTurn: (isPaused: boolean) => void) {
    const turn = (isPaused: boolean) => {
      if (isPaused === this.#isPaused) return;
      this.#isPaused = isPaused;
      onTurn(isPaused);
    };
    setHandler(pauseSignal, () => turn(true));
    setHandler(resumeSignal, () => turn(false));
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Waits while the run is paused; throws where it is cancelled meanwhile. */
  async whilePaused(): Promise<void> {
    if (this.#isPaused) await condition(() => !this.#isPaused);
  }
}
