import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Attributes that a message may have beside these, of SQS's ten at most. */
type Attributes = Record<string, MessageAttributeValue>;

/**
 * Handles a message within a span that goes on with the sender's trace, where the message's attributes
 * name one (`traceparent`, https://www.w3.org/TR/trace-context). Where traces are off, it is just handled.
 *
 * @param queue where it came from
 */
export function inMessageSpan<T>(
  message: Message,
  queue: string,
  handle: () => Promise<T>,
): Promise<T> {
  const sender = propagation.extract(context.active(), message.MessageAttributes ?? {}, {
    keys: Object.keys,
    get: (attributes: Attributes, name) => attributes[name]?.StringValue,
  });
  const attributes = {
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'process',
    'messaging.destination.name': queue,
    'messaging.message.id': message.MessageId ?? '',
  };
  return inSpan(`process ${queue}`, SpanKind.CONSUMER, attributes, handle, sender);
}

/** Sends a message within a span; `send` gets the attributes that let its reader go on with the trace. */
export function inSendSpan<T>(
  queue: string,
  send: (attributes: Attributes) => Promise<T>,
): Promise<T> {
  const attributes = {
    'messaging.system': 'aws_sqs',
    'messaging.operation.type': 'send',
    'messaging.destination.name': queue,
  };
  return inSpan(`send ${queue}`, SpanKind.PRODUCER, attributes, () => {
    const carried: Attributes = {};
    propagation.inject(context.active(), carried, {
      set: (carrier, name, value) => {
        carrier[name] = { DataType: 'String', StringValue: value };
      },
    });
    return send(carried);
  });
}

function inSpan<T>(
  name: string,
  kind: SpanKind,
  attributes: Record<string, string>,
  work: () => Promise<T>,
  parent = context.active(),
): Promise<T> {
  const tracer = trace.getTracer('sheaf');
  return tracer.startActiveSpan(name, { kind, attributes }, parent, async (span: Span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      span.end();
    }
  });
}
