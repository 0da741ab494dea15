/**
 * List prices in dollars, us-east-1, first tier, looked up on 2026-11-25 at
 * https://docs.temporal.io/cloud/pricing (actions), https://aws.amazon.com/sqs/pricing,
 * https://aws.amazon.com/lambda/pricing, https://aws.amazon.com/dynamodb/pricing (on demand),
 * https://aws.amazon.com/step-functions/pricing (Standard) and https://aws.amazon.com/s3/pricing.
 */
export const PRICES = {
  temporalAction: 50e-6,
  sqsRequest: 0.4e-6,
  lambdaRequest: 0.2e-6,
  dynamoWrite: 0.625e-6,
  stateTransition: 25e-6,
  s3Put: 5e-6,
  s3Get: 0.4e-6,
} as const;

export function dollars(amount: number): string {
  return `$${amount < 1 ? amount.toPrecision(2) : amount.toFixed(2)}`;
}
