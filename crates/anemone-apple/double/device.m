/* What the machine has, and how urgent work is. */
#import "double.h"

@interface _ANEDeviceInfo : NSObject
@end

@implementation _ANEDeviceInfo
+ (BOOL) hasANE { return FAILS(NULL) ? NO : get(HAS_ANE) != 0; }
+ (unsigned) numANEs { return get(ENGINES); }
+ (unsigned) numANECores { return get(CORES); }
+ (NSString *) aneArchitectureType { return FAILS(NULL) ? nil : text_switch("architecture"); }
+ (NSString *) aneSubType { return text_switch("sub_type"); }
+ (long long) aneBoardType { return get(BOARD); }
+ (NSString *) productName { return text_switch("product"); }
+ (NSString *) buildVersion { return text_switch("build"); }
+ (BOOL) isVirtualMachine { return get(VIRTUAL_MACHINE) != 0; }
+ (BOOL) isInternalBuild { return get(INTERNAL_BUILD) != 0; }
@end

@interface _ANEQoSMapper : NSObject
@end

/* The values that are known, their priorities and queues. */
static const struct {
    unsigned qos;
    int priority;
} QUEUES[] = {{0, 2}, {33, 3}, {25, 4}, {21, 5}, {17, 5}, {9, 6}};

@implementation _ANEQoSMapper
+ (unsigned) aneRealTimeTaskQoS { return 0; }
+ (unsigned) aneUserInteractiveTaskQoS { return 33; }
+ (unsigned) aneUserInitiatedTaskQoS { return 25; }
+ (unsigned) aneDefaultTaskQoS { return 21; }
+ (unsigned) aneUtilityTaskQoS { return 17; }
+ (unsigned) aneBackgroundTaskQoS { return 9; }
+ (int) programPriorityForQoS: (unsigned)qos
{
    for (size_t i = 0; i < sizeof QUEUES / sizeof *QUEUES; i++)
        if (QUEUES[i].qos == qos) return QUEUES[i].priority;
    return 5;
}
+ (unsigned long long) queueIndexForQoS: (unsigned)qos { return [self programPriorityForQoS: qos]; }
@end
