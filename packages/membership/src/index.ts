export { MeshMembership, type MeshOptions } from './mesh/mesh-membership.js';
export { defaultSettings, type MeshSettings } from './mesh/settings.js';
export {
  type Joined,
  type JoinOptions,
  type Member,
  type MemberChanges,
  type Membership,
  type MembershipEvent,
  type MembershipHooks,
  membershipTarget,
} from './types.js';
