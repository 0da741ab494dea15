import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { MessageError } from '../messages/parse.ts';
import type { RunRequest } from '../runs/request.ts';
import type { DeliveryMemo } from '../workflows/deliveries.ts';
import { forwardMessage } from './dead-letters.ts';
import type { IntakeQueue } from './intakes.ts';

/** The attribute that a message has once it was sent back to its queue. */
const MARK = 'sheaf-redrive';

/** SQS takes no more attributes than that; the mark has to be one of them. */
const MAX_ATTRIBUTES = 10;

/** Dead letters that are dealt with are hidden for so long (s), and for the time that is waited. */
const VISIBILITY_SECONDS = 300;

/** A receive that finds nothing for so long (s) has found all. */
const RECEIVE_WAIT_SECONDS = 1;

/** A message that a starter has taken: the runs that it asks for. */
export interface TakenMessage {
  readonly messageId: string;
  readonly workflowIds: readonly string[];
}

/** A message that is in the dead-letter queue still, or again. */
export interface FailedMessage {
  /** Its id in the dead-letter queue. */
  readonly messageId: string;
  readonly reason: string;
}

/** What became of the dead letters of a queue. */
export interface RedriveOutcome {
  readonly taken: readonly TakenMessage[];
  readonly failedAgain: readonly FailedMessage[];
  /** Sent back, and not taken in the time that was waited. */
  readonly waiting: readonly TakenMessage[];
  /** How many of a FIFO queue stay, as SQS gives them out only once those before them are gone. */
  readonly behind: number;
}

export interface RedriveOptions {
  readonly client: Client;
  readonly sqs: SQSClient;
  readonly queue: IntakeQueue & { readonly deadLetterUrl: string };
  /** Whether messages that had been sent back before, and failed again, are sent back once more. */
  readonly again: boolean;
  /** How long it is waited for starters to take what was sent back (ms). */
  readonly waitMs: number;
}

/**
 * Sends the dead letters of a queue back to it, as SQS's own redrive does, and finds out what becomes of
 * each. Those that a starter would refuse again as it refused them before are left where they are, and
 * so are those that have come back from an earlier redrive.
 *
 * A message is sent before it is deleted: one that this process dies over is in both queues.
 */
export async function redrive(options: RedriveOptions): Promise<RedriveOutcome> {
  return new Redrive(options).run();
}

/** A message, and the runs that it asks for. */
interface SentMessage {
  readonly messageId: string;
  readonly runs: readonly Pick<RunRequest, 'workflowId' | 'once'>[];
}

class Redrive {
  readonly #options: RedriveOptions;
  /** Messages that were sent back, by their mark, until it is known what became of them. */
  readonly #sent = new Map<string, SentMessage>();
  readonly #taken: TakenMessage[] = [];
  /** Why messages stay in the dead-letter queue, by their ids. */
  readonly #failed = new Map<string, string>();
  /** The receipts of these; they are hidden there until the end. */
  readonly #kept = new Map<string, string>();

  constructor(options: RedriveOptions) {
    this.#options = options;
  }

  async run(): Promise<RedriveOutcome> {
    try {
      while (await this.#sendSomeBack());
      await this.#settle();
    } finally {
      await this.#showKept();
    }
    const waiting = [...this.#sent.values()].map(asTaken);
    const failedAgain = [...this.#failed].map(([messageId, reason]) => ({ messageId, reason }));
    return { taken: this.#taken, failedAgain, waiting, behind: await this.#countBehind() };
  }

  /** Waits until starters have taken what was sent back, or have refused it again. */
  async #settle(): Promise<void> {
    const deadline = Date.now() + this.#options.waitMs;
    while (this.#sent.size > 0 && Date.now() < deadline) {
      for (const [mark, sent] of this.#sent) {
        if (!(await this.#isTaken(sent))) continue;
        this.#taken.push(asTaken(sent));
        this.#sent.delete(mark);
      }
      // This waits for a second where there is nothing.
      if (this.#sent.size > 0) await this.#sendSomeBack();
    }
  }

  /** Deals with dead letters that are there; false where there are none. */
  async #sendSomeBack(): Promise<boolean> {
    const { sqs, queue } = this.#options;
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queue.deadLetterUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: VISIBILITY_SECONDS + Math.ceil(this.#options.waitMs / 1000),
        WaitTimeSeconds: RECEIVE_WAIT_SECONDS,
        MessageSystemAttributeNames: ['MessageGroupId'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (this.#isFifo) {
      // A group keeps its order.
      for (const message of Messages) await this.#sendBack(message);
    } else {
      await Promise.all(Messages.map((message) => this.#sendBack(message)));
    }
    return Messages.length > 0;
  }

  /** Deals with one dead letter. What is wrong with it is said of it, and holds up no other. */
  async #sendBack(message: Message): Promise<void> {
    const { MessageId: id = '', ReceiptHandle: receipt = '' } = message;
    try {
      const reason = this.#reasonToKeep(message);
      if (reason === undefined) return await this.#move(message);
      this.#failed.set(id, reason);
    } catch (error) {
      this.#failed.set(id, `it could not be sent: ${(error as Error).message}`);
    }
    this.#kept.set(id, receipt);
  }

  async #move(message: Message): Promise<void> {
    const { sqs, queue } = this.#options;
    const remove = () => {
      const { ReceiptHandle } = message;
      return sqs.send(new DeleteMessageCommand({ QueueUrl: queue.deadLetterUrl, ReceiptHandle }));
    };
    const before = this.#runsOf(message, message.MessageId ?? '');
    if (before.runs.length > 0 && (await this.#isTaken(before))) {
      // SQS has moved it though a starter had taken it: it must not be done twice.
      await remove();
      this.#taken.push(asTaken(before));
      return;
    }
    const mark = randomUUID();
    const attributes = { [MARK]: { DataType: 'String', StringValue: mark } };
    const messageId = await forwardMessage(sqs, queue.queueUrl, message, attributes);
    this.#sent.set(mark, this.#runsOf(message, messageId));
    await remove();
  }

  #runsOf({ Body = '' }: Message, messageId: string): SentMessage {
    const requests = this.#options.queue.intake.read(Body, messageId);
    return {
      messageId,
      runs: requests.map(({ workflowId, once = false }) => ({ workflowId, once })),
    };
  }

  /** Why a message is not sent back; undefined where it is. */
  #reasonToKeep(message: Message): string | undefined {
    const { queue, again } = this.#options;
    const mark = message.MessageAttributes?.[MARK]?.StringValue;
    if (mark !== undefined && this.#sent.delete(mark)) {
      return 'a starter refused it again; its log says why, at "message refused"';
    }
    try {
      queue.intake.read(message.Body ?? '', message.MessageId ?? '');
    } catch (error) {
      if (error instanceof MessageError) return error.message;
      throw error;
    }
    if (mark !== undefined && !again) {
      return 'it was sent back before, and came again; --again sends it once more';
    }
    const attributes = Object.keys(message.MessageAttributes ?? {});
    return mark === undefined && attributes.length >= MAX_ATTRIBUTES
      ? `it has ${attributes.length} attributes, and none can be added that says that it was sent back; send it by hand`
      : undefined;
  }

  /** Whether the runs that a message asks for answer it: their memo says so. */
  async #isTaken({ messageId, runs }: SentMessage): Promise<boolean> {
    const { client } = this.#options;
    for (const { workflowId, once } of runs) {
      try {
        const { memo } = await client.workflow.getHandle(workflowId).describe();
        const { messageIds = [] } = (memo ?? {}) as Partial<DeliveryMemo>;
        if (!once && !messageIds.includes(messageId)) return false;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    }
    return true;
  }

  get #isFifo(): boolean {
    return this.#options.queue.deadLetterUrl.endsWith('.fifo');
  }

  async #countBehind(): Promise<number> {
    if (!this.#isFifo || this.#kept.size === 0) return 0;
    const { sqs, queue } = this.#options;
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queue.deadLetterUrl,
        AttributeNames: ['ApproximateNumberOfMessages'],
      }),
    );
    return Math.max(0, Number(Attributes?.ApproximateNumberOfMessages ?? 0) - this.#kept.size);
  }

  /** Messages that stay can be received again at once. */
  async #showKept(): Promise<void> {
    const { sqs, queue } = this.#options;
    for (const ReceiptHandle of this.#kept.values()) {
      await sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queue.deadLetterUrl,
          ReceiptHandle,
          VisibilityTimeout: 0,
        }),
      );
    }
  }
}

function asTaken({ messageId, runs }: SentMessage): TakenMessage {
  return { messageId, workflowIds: runs.map(({ workflowId }) => workflowId) };
}
