export {
  type IdentityVerifier,
  type Joined,
  type Member,
  type MemberChanges,
  type Membership,
  type MembershipEvent,
  type MembershipHooks,
  membershipTarget,
  type ServerIdentity,
} from './types.js';
