"""The 22 questions of TPC-H, with the parameters of its validation, in SQL that DuckDB and Spark read."""

from __future__ import annotations

import re
from typing import Final

REVENUE: Final = "l_extendedprice * (1 - l_discount)"
TABLES: Final = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")

QUERIES: Final[dict[str, str]] = {
    "q01": f"""
        select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty, sum(l_extendedprice) as sum_base_price,
            sum({REVENUE}) as sum_disc_price, sum({REVENUE} * (1 + l_tax)) as sum_charge, avg(l_quantity) as avg_qty,
            avg(l_extendedprice) as avg_price, avg(l_discount) as avg_disc, count(*) as count_order
        from lineitem where l_shipdate <= timestamp '1998-09-02'
        group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus""",
    "q02": """
        with offers as (
            select * from partsupp
            join supplier on s_suppkey = ps_suppkey join nation on n_nationkey = s_nationkey
            join region on r_regionkey = n_regionkey where r_name = 'EUROPE'),
        cheapest as (select ps_partkey as key, min(ps_supplycost) as cost from offers group by ps_partkey)
        select s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
        from offers join part on p_partkey = ps_partkey join cheapest on key = p_partkey and cost = ps_supplycost
        where p_size = 15 and p_type like '%BRASS'
        order by s_acctbal desc, n_name, s_name, p_partkey limit 100""",
    "q03": f"""
        select l_orderkey, sum({REVENUE}) as revenue, o_orderdate, o_shippriority
        from customer join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey
        where c_mktsegment = 'BUILDING' and o_orderdate < timestamp '1995-03-15'
            and l_shipdate > timestamp '1995-03-15'
        group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate limit 10""",
    "q04": """
        select o_orderpriority, count(*) as order_count from orders
        where o_orderdate >= timestamp '1993-07-01' and o_orderdate < timestamp '1993-10-01'
            and exists (select 1 from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate)
        group by o_orderpriority order by o_orderpriority""",
    "q05": f"""
        select n_name, sum({REVENUE}) as revenue
        from customer join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey
        join supplier on s_suppkey = l_suppkey and s_nationkey = c_nationkey
        join nation on n_nationkey = s_nationkey join region on r_regionkey = n_regionkey
        where r_name = 'ASIA' and o_orderdate >= timestamp '1994-01-01' and o_orderdate < timestamp '1995-01-01'
        group by n_name order by revenue desc""",
    "q06": """
        select sum(l_extendedprice * l_discount) as revenue from lineitem
        where l_shipdate >= timestamp '1994-01-01' and l_shipdate < timestamp '1995-01-01'
            and l_discount between 0.0499 and 0.0701 and l_quantity < 24""",
    "q07": f"""
        select supp.n_name as supp_nation, cust.n_name as cust_nation, year(l_shipdate) as l_year,
            sum({REVENUE}) as revenue
        from supplier join lineitem on l_suppkey = s_suppkey join orders on o_orderkey = l_orderkey
        join customer on c_custkey = o_custkey join nation supp on supp.n_nationkey = s_nationkey
        join nation cust on cust.n_nationkey = c_nationkey
        where (supp.n_name, cust.n_name) in (('FRANCE', 'GERMANY'), ('GERMANY', 'FRANCE'))
            and l_shipdate >= timestamp '1995-01-01' and l_shipdate < timestamp '1997-01-01'
        group by supp.n_name, cust.n_name, year(l_shipdate) order by supp_nation, cust_nation, l_year""",
    "q08": f"""
        select year(o_orderdate) as o_year,
            sum(case when sold.n_name = 'BRAZIL' then {REVENUE} else 0 end) / sum({REVENUE}) as mkt_share
        from part join lineitem on l_partkey = p_partkey join supplier on s_suppkey = l_suppkey
        join orders on o_orderkey = l_orderkey join customer on c_custkey = o_custkey
        join nation home on home.n_nationkey = c_nationkey join region on r_regionkey = home.n_regionkey
        join nation sold on sold.n_nationkey = s_nationkey
        where r_name = 'AMERICA' and p_type = 'ECONOMY ANODIZED STEEL'
            and o_orderdate >= timestamp '1995-01-01' and o_orderdate < timestamp '1997-01-01'
        group by year(o_orderdate) order by o_year""",
    "q09": f"""
        select n_name as nation, year(o_orderdate) as o_year,
            sum({REVENUE} - ps_supplycost * l_quantity) as sum_profit
        from part join lineitem on l_partkey = p_partkey join supplier on s_suppkey = l_suppkey
        join partsupp on ps_partkey = l_partkey and ps_suppkey = l_suppkey join orders on o_orderkey = l_orderkey
        join nation on n_nationkey = s_nationkey where p_name like '%green%'
        group by n_name, year(o_orderdate) order by nation, o_year desc""",
    "q10": f"""
        select c_custkey, c_name, sum({REVENUE}) as revenue, c_acctbal, n_name, c_address, c_phone, c_comment
        from customer join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey
        join nation on n_nationkey = c_nationkey
        where o_orderdate >= timestamp '1993-10-01' and o_orderdate < timestamp '1994-01-01' and l_returnflag = 'R'
        group by c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
        order by revenue desc limit 20""",
    "q11": """
        with stock as (
            select ps_partkey, ps_supplycost * ps_availqty as worth
            from partsupp join supplier on s_suppkey = ps_suppkey join nation on n_nationkey = s_nationkey
            where n_name = 'GERMANY')
        select ps_partkey, sum(worth) as total from stock group by ps_partkey
        having sum(worth) > (select sum(worth) * 0.0001 / {scale} from stock) order by total desc""",
    "q12": """
        select l_shipmode, sum(case when o_orderpriority in ('1-URGENT', '2-HIGH') then 1 else 0 end) as high_count,
            sum(case when o_orderpriority in ('1-URGENT', '2-HIGH') then 0 else 1 end) as low_count
        from orders join lineitem on l_orderkey = o_orderkey
        where l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate
            and l_receiptdate >= timestamp '1994-01-01' and l_receiptdate < timestamp '1995-01-01'
        group by l_shipmode order by l_shipmode""",
    "q13": """
        with counts as (
            select c_custkey, count(o_orderkey) as c_count
            from customer left join orders on o_custkey = c_custkey and o_comment not like '%special%requests%'
            group by c_custkey)
        select c_count, count(*) as custdist from counts group by c_count order by custdist desc, c_count desc""",
    "q14": f"""
        select 100.0 * sum(case when p_type like 'PROMO%' then {REVENUE} else 0 end) / sum({REVENUE}) as promo_revenue
        from lineitem join part on p_partkey = l_partkey
        where l_shipdate >= timestamp '1995-09-01' and l_shipdate < timestamp '1995-10-01'""",
    "q15": f"""
        with revenue as (
            select l_suppkey as supplier_no, round(sum({REVENUE}), 2) as total_revenue from lineitem
            where l_shipdate >= timestamp '1996-01-01' and l_shipdate < timestamp '1996-04-01' group by l_suppkey)
        select s_suppkey, s_name, s_address, s_phone, total_revenue
        from supplier join revenue on supplier_no = s_suppkey
        where total_revenue = (select max(total_revenue) from revenue) order by s_suppkey""",
    "q16": """
        select p_brand, p_type, p_size, count(distinct ps_suppkey) as supplier_cnt
        from partsupp join part on p_partkey = ps_partkey
        where p_brand <> 'Brand#45' and p_type not like 'MEDIUM POLISHED%'
            and p_size in (49, 14, 23, 45, 19, 3, 36, 9) and ps_suppkey not in (
                select s_suppkey from supplier where s_comment like '%Customer%Complaints%')
        group by p_brand, p_type, p_size order by supplier_cnt desc, p_brand, p_type, p_size""",
    "q17": """
        with usual as (select l_partkey as key, 0.2 * avg(l_quantity) as few from lineitem group by l_partkey)
        select sum(l_extendedprice) / 7.0 as avg_yearly
        from lineitem join part on p_partkey = l_partkey join usual on key = p_partkey
        where p_brand = 'Brand#23' and p_container = 'MED BOX' and l_quantity < few""",
    "q18": """
        with large as (
            select l_orderkey as key from lineitem group by l_orderkey having sum(l_quantity) > 300)
        select c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) as quantity
        from customer join orders on o_custkey = c_custkey join large on key = o_orderkey
        join lineitem on l_orderkey = o_orderkey
        group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
        order by o_totalprice desc, o_orderdate limit 100""",
    "q19": f"""
        select sum({REVENUE}) as revenue from lineitem join part on p_partkey = l_partkey
        where l_shipmode in ('AIR', 'AIR REG') and l_shipinstruct = 'DELIVER IN PERSON' and p_size >= 1 and (
            (p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
                and l_quantity between 1 and 11 and p_size <= 5)
            or (p_brand = 'Brand#23' and p_container in ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
                and l_quantity between 10 and 20 and p_size <= 10)
            or (p_brand = 'Brand#34' and p_container in ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
                and l_quantity between 20 and 30 and p_size <= 15))""",
    "q20": """
        with shipped as (
            select l_partkey, l_suppkey, 0.5 * sum(l_quantity) as half from lineitem
            where l_shipdate >= timestamp '1994-01-01' and l_shipdate < timestamp '1995-01-01'
            group by l_partkey, l_suppkey)
        select s_name, s_address from supplier join nation on n_nationkey = s_nationkey
        where n_name = 'CANADA' and s_suppkey in (
            select ps_suppkey from partsupp join part on p_partkey = ps_partkey
            join shipped on l_partkey = ps_partkey and l_suppkey = ps_suppkey
            where p_name like 'forest%' and ps_availqty > half)
        order by s_name""",
    "q21": """
        with late as (select * from lineitem where l_receiptdate > l_commitdate),
        several as (
            select l_orderkey as key from lineitem group by l_orderkey having count(distinct l_suppkey) > 1),
        alone as (select l_orderkey as key from late group by l_orderkey having count(distinct l_suppkey) = 1)
        select s_name, count(*) as numwait
        from late join supplier on s_suppkey = l_suppkey join nation on n_nationkey = s_nationkey
        join orders on o_orderkey = l_orderkey join several on several.key = l_orderkey
        join alone on alone.key = l_orderkey
        where n_name = 'SAUDI ARABIA' and o_orderstatus = 'F'
        group by s_name order by numwait desc, s_name limit 100""",
    "q22": """
        with asked as (
            select c_custkey, c_acctbal, substring(c_phone, 1, 2) as cntrycode from customer
            where substring(c_phone, 1, 2) in ('13', '31', '23', '29', '30', '18', '17'))
        select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal from asked
        where c_acctbal > (select avg(c_acctbal) from asked where c_acctbal > 0)
            and not exists (select 1 from orders where o_custkey = c_custkey)
        group by cntrycode order by cntrycode""",
}


def inputs_of(query: str) -> list[str]:
    """Return the tables that a query reads."""
    return [table for table in TABLES if re.search(rf"\b{table}\b", query)]
