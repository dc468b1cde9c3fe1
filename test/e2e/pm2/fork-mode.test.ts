import { testInstances } from './instances.js';

testInstances('fork');
