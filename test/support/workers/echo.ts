import { answerRequests } from '../fork.js';

answerRequests((message: { say?: unknown; fail?: string; exit?: number }) => {
  if (message.exit !== undefined) process.exit(message.exit);
  if (message.fail !== undefined) throw new Error(message.fail);
  return message.say;
});
