export { readTimeStamp, trustTimeStamps } from './read-time-stamp.ts';
