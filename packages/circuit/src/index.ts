export * from '@circuit/client/node';
